package builder

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tonistiigi/go-csvvalue"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// readAttests takes --attest type=TYPE,KEY=VALUE and its two shorthands. Without
// any of them no attestation is made.
func (s *session) readAttests(r *build.Request, _ build.Assignment) error {
	o := s.input.options
	r.Attests = map[string]string{}
	values := append([]string{}, o.attests...)
	for kind, value := range map[string]string{"provenance": o.provenance, "sbom": o.sbom} {
		if value != "" {
			values = append(values, shorthand(kind, value))
		}
	}
	for _, value := range values {
		kind, parameters, enabled, err := parseAttest(value)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --attest %q: %w", value, err))
		}
		if enabled {
			r.Attests[kind] = parameters
		}
	}
	return nil
}

// shorthand writes out --sbom=true or --provenance=mode=max.
func shorthand(kind, value string) string {
	if on, err := strconv.ParseBool(value); err == nil {
		return "type=" + kind + ",disabled=" + strconv.FormatBool(!on)
	}
	return "type=" + kind + "," + value
}

// parseAttest splits an attestation's type from its parameters.
func parseAttest(value string) (kind, parameters string, enabled bool, err error) {
	fields, err := csvvalue.Fields(value, nil)
	if err != nil {
		return "", "", false, err
	}
	enabled = true
	var rest []string
	for _, field := range fields {
		key, val, ok := strings.Cut(field, "=")
		switch {
		case !ok:
			return "", "", false, fmt.Errorf("%q is not key=value", field)
		case key == "type":
			kind = val
		case key == "disabled":
			disabled, err := strconv.ParseBool(val)
			if err != nil {
				return "", "", false, err
			}
			enabled = !disabled
		default:
			rest = append(rest, field)
		}
	}
	if kind != "sbom" && kind != "provenance" {
		return "", "", false, fmt.Errorf("unknown type %q", kind)
	}
	return kind, strings.Join(rest, ","), enabled, nil
}
