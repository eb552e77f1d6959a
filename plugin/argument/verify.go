package argument

import (
	"fmt"
	"slices"

	"github.com/docker-multiarch/docker-multiarch/check/binary"
)

// The values of --verify.
const (
	VerifyOff    = "off"
	VerifyOn     = "on"
	VerifyStrict = "strict"
)

// Verify checks --verify and reads --allow-foreign.
func Verify(mode string, foreign []string) (binary.Allowed, error) {
	if !slices.Contains([]string{VerifyOff, VerifyOn, VerifyStrict}, mode) {
		return nil, Wrong(fmt.Errorf("invalid --verify %q, must be %s, %s or %s", mode, VerifyOff, VerifyOn, VerifyStrict))
	}
	allowed, err := binary.NewAllowed(foreign)
	if err != nil {
		return nil, Wrong(fmt.Errorf("invalid --allow-foreign: %w", err))
	}
	return allowed, nil
}
