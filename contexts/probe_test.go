package contexts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/api/types/system"
	dockerclient "github.com/moby/moby/client"
	"gotest.tools/v3/assert"
)

// probe probes one engine.
func probe(t *testing.T, e engine) *Node {
	t.Helper()
	nodes := load(t, newStore(t, "n", "unix:///nowhere/docker.sock", map[string]string{"n": e.start(t)}), "n")
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	return nodes[0]
}

func TestProbeLearnsWhatTheEngineIs(t *testing.T) {
	t.Parallel()
	info := linux("AAAA", "aarch64")
	info.DriverStatus = [][2]string{{"driver-type", "io.containerd.snapshotter.v1"}}
	info.RegistryConfig = &registry.ServiceConfig{
		InsecureRegistryCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		IndexConfigs: map[string]*registry.IndexInfo{
			"docker.io": {Name: "docker.io", Secure: true}, "plain:5000": {Name: "plain:5000"}, "odd": nil,
		},
	}
	n := probe(t, engine{Info: info, Builder: "2"})
	assert.NilError(t, n.Err)
	assert.Assert(t, n.Usable())
	assert.Assert(t, n.Ping > 0)
	slices.Sort(n.Engine.InsecureRegistries)
	assert.DeepEqual(t, n.Engine, Engine{
		ID: "AAAA", Version: "28.5.2", APIVersion: "1.51", Platform: platforms.MustParse("linux/arm64"),
		Builder: BuildKit, ImageStore: Containerd, CPUs: 4, Memory: 8 << 30,
		InsecureRegistries: []string{"127.0.0.0/8", "plain:5000"},
	})
	assert.NilError(t, n.Alive(t.Context()))
}

func TestProbeOfAnOldEngine(t *testing.T) {
	t.Parallel()
	info := linux("OLD", "i686")
	info.ServerVersion = "20.10.24"
	n := probe(t, engine{Info: info})
	assert.NilError(t, n.Err)
	assert.Equal(t, platforms.Format(n.Engine.Platform), "linux/386")
	assert.Equal(t, n.Engine.Builder, BuildKit)
	assert.Equal(t, n.Engine.ImageStore, GraphDriver)
	assert.Equal(t, len(n.Engine.InsecureRegistries), 0)
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func TestProbeGivesANodeThatCannotBeUsedAnErr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		engine engine
		want   string
	}{
		{"ping fails", engine{Ping: status(500, `{"message":"engine is broken"}`)}, "engine is broken"},
		{"ping is denied", engine{Ping: status(403, `{"message":"not you"}`)}, "not you"},
		{"ping breaks off", engine{Ping: hangUp}, "EOF"},
		{"engine is too old", engine{Ping: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.12") }}, "1.12"},
		{"info fails", engine{AskInfo: status(500, `{"message":"driver is gone"}`)}, "driver is gone"},
		{"info breaks off", engine{AskInfo: hangUp}, "EOF"},
		{"info is no JSON", engine{AskInfo: status(200, `<html>Welcome</html>`)}, "invalid character"},
		{"info is cut", engine{AskInfo: status(200, `{"ID":"A","OSType":"linu`)}, "unexpected EOF"},
		{"info is empty", engine{AskInfo: status(200, `{}`)}, "does not say what platform it is"},
		{"no ID", engine{Info: linux("", "x86_64")}, "no ID"},
		{"no architecture", engine{Info: linux("A", "")}, "does not say what platform it is"},
		{"no operating system", engine{Info: system.Info{ID: "A", Architecture: "x86_64"}}, "does not say what platform it is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := probe(t, c.engine)
			assert.ErrorContains(t, n.Err, c.want)
			assert.Assert(t, !n.Usable())
			assert.DeepEqual(t, n.Engine, Engine{})
		})
	}
}

func TestProbeOfASocketWhereNobodyListens(t *testing.T) {
	t.Parallel()
	nodes := load(t, newStore(t, "n", "unix:///nowhere/docker.sock", map[string]string{"n": "unix:///nowhere/e.sock"}), "n")
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.ErrorContains(t, nodes[0].Err, "/nowhere/e.sock")
	assert.Assert(t, !errors.Is(nodes[0].Err, ErrNoAnswer), "it was refused, which is an answer")
	assert.Assert(t, nodes[0].Alive(t.Context()) != nil)
}

// silent is a node that takes a connection and never answers.
func silent(t *testing.T, name string) *Node {
	t.Helper()
	client, err := dockerclient.New(
		dockerclient.WithHost("tcp://silent:2375"),
		dockerclient.WithDialContext(func(context.Context, string, string) (net.Conn, error) {
			near, _ := net.Pipe()
			return near, nil
		}),
	)
	assert.NilError(t, err)
	return &Node{Name: name, client: client}
}

func TestProbeWaitsForSilentEnginesAtTheSameTimeAndNotLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nodes := Nodes{silent(t, "a"), silent(t, "b"), silent(t, "c")}
		defer nodes.Close()
		started := time.Now()
		assert.NilError(t, nodes.Probe(t.Context(), nil))
		assert.Equal(t, time.Since(started), ProbeTimeout)
		for _, n := range nodes {
			assert.ErrorIs(t, n.Err, ErrNoAnswer)
			assert.Error(t, n.Err, "no answer within 5s")
			assert.Assert(t, !n.Usable())
		}
	})
}

func TestProbeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		nodes := Nodes{silent(t, "a")}
		defer nodes.Close()
		started := time.Now()
		assert.ErrorIs(t, nodes.Probe(ctx, nil), why)
		assert.Equal(t, time.Since(started), time.Second)
		assert.Assert(t, nodes[0].Err != nil)
		assert.Assert(t, !errors.Is(nodes[0].Err, ErrNoAnswer), "it was not given its time: %v", nodes[0].Err)
	})
}

func TestProbeEndsWhenTheAnswersAreEnough(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{"quick": engine{Info: linux("QUICK", "x86_64")}.start(t), "gone": "unix:///nowhere/e.sock"}
	nodes := load(t, newStore(t, "quick", "unix:///nowhere/docker.sock", hosts))
	nodes = append(nodes, silent(t, "slow"))
	defer nodes[2].client.Close()
	asked := 0
	assert.NilError(t, nodes.Probe(t.Context(), func(ns Nodes) bool {
		asked++
		return ns[0].Usable() && ns[1].Err != nil
	}))
	assert.Equal(t, asked, 3, "it is asked after each answer")
	assert.Assert(t, nodes[0].Usable())
	assert.Assert(t, !errors.Is(nodes[1].Err, ErrNotAwaited), "it was refused before: %v", nodes[1].Err)
	assert.ErrorIs(t, nodes[2].Err, ErrNotAwaited)
	assert.Assert(t, !nodes[2].Usable())
}

func TestANodeThatWasNotAwaitedCanBeProbedAfterAll(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	late := engine{Info: linux("LATE", "x86_64")}
	answer := late
	late.AskInfo = func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			answer.serve(t, w, r)
		case <-r.Context().Done():
		}
	}
	hosts := map[string]string{"late": late.start(t), "quick": engine{Info: linux("QUICK", "x86_64")}.start(t), "gone": "unix:///nowhere/e.sock"}
	nodes := load(t, newStore(t, "quick", "unix:///nowhere/docker.sock", hosts))
	assert.NilError(t, nodes.Probe(t.Context(), func(ns Nodes) bool { return ns[0].Usable() && ns[1].Err != nil }))
	assert.Equal(t, names(nodes), "quick gone late")
	gone := nodes[1].Err

	spare := nodes.Spare()
	assert.Equal(t, names(spare), "late")
	assert.NilError(t, spare[0].Err)
	assert.Equal(t, len(nodes.Spare()), 0, "what is being probed again is no spare node twice")
	close(release)
	assert.NilError(t, spare.Probe(t.Context(), nil))
	assert.Assert(t, nodes[2].Usable())
	assert.ErrorIs(t, nodes[1].Err, gone)
}

func TestProbeLeavesNodesAloneThatWereProbedBefore(t *testing.T) {
	t.Parallel()
	asked := 0
	e := engine{Info: linux("ONCE", "x86_64")}
	answer := e
	e.AskInfo = func(w http.ResponseWriter, r *http.Request) { asked++; answer.serve(t, w, r) }
	nodes := load(t, newStore(t, "n", "unix:///nowhere/docker.sock", map[string]string{"n": e.start(t)}))
	for range 2 {
		assert.NilError(t, nodes.Probe(t.Context(), nil))
	}
	assert.Equal(t, asked, 1)
}

func TestAnEngineHasTheTimeThatTheUserGivesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		patient, usual := silent(t, "patient"), silent(t, "usual")
		patient.Timeout = time.Minute
		nodes := Nodes{patient, usual}
		defer nodes.Close()
		started := time.Now()
		assert.NilError(t, nodes.Probe(t.Context(), nil))
		assert.Equal(t, time.Since(started), time.Minute)
		assert.Error(t, patient.Err, "no answer within 1m0s")
		assert.Error(t, usual.Err, "no answer within 5s")
	})
}

func TestSkewIsHowFarTheEnginesClockIsAhead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for said, want := range map[string]time.Duration{
		"2026-01-02T03:04:05Z": 0, "2026-01-02T03:05:05.5Z": 60*time.Second + 500*time.Millisecond,
		"2026-01-02T02:04:05Z": -time.Hour, "2026-01-02T04:04:05+01:00": 0, "": 0, "yesterday": 0,
	} {
		assert.Equal(t, skew(said, now), want, "%q", said)
	}
}

func TestProbeAsksAllNodesAtOnce(t *testing.T) {
	t.Parallel()
	const count = 4
	// No engine answers before all were asked.
	var asked sync.WaitGroup
	asked.Add(count)
	hosts := map[string]string{}
	for i := range count {
		e := engine{Info: linux(fmt.Sprint("ID", i), "x86_64")}
		answer := e
		e.AskInfo = func(w http.ResponseWriter, r *http.Request) {
			asked.Done()
			asked.Wait()
			answer.serve(t, w, r)
		}
		hosts[fmt.Sprint("n", i)] = e.start(t)
	}
	nodes := load(t, newStore(t, "n0", "unix:///nowhere/docker.sock", hosts))
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	for _, n := range nodes {
		assert.NilError(t, n.Err, n.Name)
	}
}

func TestProbeLeavesAnEngineToTheFirstOfItsContexts(t *testing.T) {
	t.Parallel()
	one, other := engine{Info: linux("ONE", "x86_64")}.start(t), engine{Info: linux("OTHER", "x86_64")}.start(t)
	hosts := map[string]string{"a": one, "b": other, "c": one, "d": one}
	nodes := load(t, newStore(t, "c", "unix:///nowhere/docker.sock", hosts))
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.Equal(t, names(nodes), "c a b d")
	assert.Assert(t, nodes[0].Usable() && nodes[2].Usable())
	for _, n := range []*Node{nodes[1], nodes[3]} {
		assert.ErrorIs(t, n.Err, ErrSameEngine)
		assert.Error(t, n.Err, "same engine as c")
		assert.Assert(t, !n.Usable())
	}
}

func TestOneNodeThatFailsDoesNotTakeTheOthersAlong(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{
		"bad":  engine{Ping: status(500, `{"message":"broken"}`)}.start(t),
		"good": engine{Info: linux("GOOD", "x86_64")}.start(t),
		"gone": "unix:///nowhere/e.sock",
	}
	nodes := load(t, newStore(t, "bad", "unix:///nowhere/docker.sock", hosts))
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.Equal(t, names(nodes.Best(platforms.MustParse("linux/amd64"))), "good")
}

func TestBuilderOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version build.BuilderVersion
		os      string
		want    Builder
	}{
		{build.BuilderBuildKit, "linux", BuildKit},
		{build.BuilderBuildKit, "windows", BuildKit},
		{build.BuilderV1, "linux", Classic},
		{build.BuilderV1, "windows", Classic},
		{"", "linux", BuildKit},
		{"", "freebsd", BuildKit},
		{"", "windows", Classic},
		{"9", "linux", Classic},
	} {
		assert.Equal(t, builderOf(c.version, c.os), c.want, "%q on %s", c.version, c.os)
	}
}

func TestImageStoreOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status [][2]string
		want   ImageStore
	}{
		{"none", nil, GraphDriver},
		{"overlay2", [][2]string{{"Backing Filesystem", "extfs"}, {"Supports d_type", "true"}}, GraphDriver},
		{"containerd", [][2]string{{"driver-type", "io.containerd.snapshotter.v1"}}, Containerd},
		{"containerd, not first", [][2]string{{"a", "b"}, {"driver-type", "io.containerd.snapshotter.v1"}}, Containerd},
		{"another driver type", [][2]string{{"driver-type", "x"}}, GraphDriver},
		{"only the value", [][2]string{{"x", "io.containerd.snapshotter.v1"}}, GraphDriver},
	} {
		assert.Equal(t, imageStoreOf(system.Info{DriverStatus: c.status}), c.want, c.name)
	}
}
