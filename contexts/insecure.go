package contexts

import (
	"net"
	"net/netip"
	"slices"
)

// Insecure says that the engine itself reaches a registry, host[:port] as in a
// reference, without verified TLS: it lists the host, or a network that has its
// address. Names are not resolved, as an engine would: who answers for a name
// must not decide that.
func (e Engine) Insecure(registry string) bool {
	if slices.Contains(e.InsecureRegistries, registry) {
		return true
	}
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		host = registry
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(e.InsecureRegistries, func(entry string) bool {
		network, err := netip.ParsePrefix(entry)
		return err == nil && network.Contains(address)
	})
}
