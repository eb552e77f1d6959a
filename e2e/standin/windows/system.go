package windows

import (
	"fmt"
	"net/http"
	"time"
)

// ping follows api/server/router/system/system_routes.go, pingHandler; that Windows has the classic builder is in
// api/server/router/build/build.go, BuilderVersion.
func (*Engine) ping(w http.ResponseWriter, r *http.Request, _ string) error {
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Builder-Version", "1")
	w.Header().Set("Swarm", "inactive")
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte("OK"))
	}
	return nil
}

// info follows daemon/info.go, SystemInfo. The driver is that of daemon/graphdriver/windows/windows.go, the isolation a server's
// (daemon/daemon_windows.go, setDefaultIsolation).
func (e *Engine) info(w http.ResponseWriter, _ *http.Request, _ string) error {
	reply(w, http.StatusOK, map[string]any{
		"ID": e.ID, "Name": e.ID, "ServerVersion": engineVersion, "OSType": "windows", "Architecture": "x86_64", "OSVersion": e.OSVersion,
		"OperatingSystem": "Microsoft Windows Server", "KernelVersion": e.kernel(), "Isolation": "process",
		"Driver": "windowsfilter", "DriverStatus": [][2]string{{"Windows", ""}},
		"NCPU": 2, "MemTotal": 4 << 30, "SystemTime": time.Now().Format(time.RFC3339Nano),
		"IndexServerAddress": "https://index.docker.io/v1/", "RegistryConfig": map[string]any{},
	})
	return nil
}

// version follows daemon/info.go, SystemVersion.
func (e *Engine) version(w http.ResponseWriter, _ *http.Request, _ string) error {
	reply(w, http.StatusOK, map[string]any{
		"Version": engineVersion, "ApiVersion": apiVersion, "MinAPIVersion": "1.24", "Os": "windows", "Arch": "amd64", "KernelVersion": e.kernel(),
	})
	return nil
}

// kernel follows pkg/parsers/kernel/kernel_windows.go, VersionInfo.String.
func (e *Engine) kernel() string {
	build := buildNumber(e.OSVersion)
	return fmt.Sprintf("10.0 %d (%d.1.amd64fre.fe_release.210507-1500)", build, build)
}
