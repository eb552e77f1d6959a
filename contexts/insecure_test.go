package contexts

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestWhichRegistriesAnEngineTakesWithoutTLS(t *testing.T) {
	t.Parallel()
	e := Engine{InsecureRegistries: []string{"127.0.0.0/8", "10.1.0.0/16", "reg.example.com:5000", "fd00::/8", "nonsense/x"}}
	for registry, want := range map[string]bool{
		"reg.example.com:5000": true, "reg.example.com": false, "reg.example.com:5001": false,
		"10.1.2.3:5000": true, "10.1.2.3": true, "10.2.0.1:5000": false, "localhost:5000": false, "[fd00::1]:5000": true, "": false,
	} {
		assert.Equal(t, e.Insecure(registry), want, registry)
	}
	assert.Assert(t, !Engine{}.Insecure("reg.example.com:5000"))
}
