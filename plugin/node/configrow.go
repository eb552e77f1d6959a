package node

import (
	"encoding/json"

	"github.com/docker/cli/cli/command/formatter"
)

// settingRow is a row of the table, and what a template may use.
type settingRow struct {
	formatter.HeaderContext
	setting setting
}

func newSettingRow(s setting) formatter.SubContext {
	row := &settingRow{setting: s}
	row.Header = formatter.SubHeaderContext{"Node": "NODE", "Setting": "SETTING", "Value": "VALUE", "From": "FROM"}
	return row
}

func (r *settingRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.setting) }
func (r *settingRow) Node() string                 { return r.setting.Node }
func (r *settingRow) Setting() string              { return r.setting.Setting }
func (r *settingRow) Value() string                { return r.setting.Value }
func (r *settingRow) From() string                 { return r.setting.From }
