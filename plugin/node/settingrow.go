package node

import (
	"encoding/json"
	"fmt"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

func writeSettings(dockerCLI command.Cli, format string, settings []setting) error {
	out := formatter.Context{Output: dockerCLI.Out(), Format: formatter.Format(format)}
	err := out.Write(newSettingRow(setting{}), func(write func(formatter.SubContext) error) error {
		for _, s := range settings {
			if err := write(newSettingRow(s)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid --format: %w", err))
	}
	return nil
}

// settingRow is a row of the table, and what a template may use.
type settingRow struct {
	formatter.HeaderContext
	setting setting
}

func newSettingRow(s setting) *settingRow {
	row := &settingRow{setting: s}
	row.Header = formatter.SubHeaderContext{"Node": "NODE", "Setting": "SETTING", "Value": "VALUE", "From": "FROM"}
	return row
}

func (r *settingRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.setting) }
func (r *settingRow) Node() string                 { return r.setting.Node }
func (r *settingRow) Setting() string              { return r.setting.Setting }
func (r *settingRow) Value() string                { return r.setting.Value }
func (r *settingRow) From() string                 { return r.setting.From }
