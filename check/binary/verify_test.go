package binary

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func words(s string) []string { return strings.Fields(s) }

func TestVerifyFollowsWhatAnImageStarts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		entrypoint, cmd []string
		layer           []string
		misfits         string
		missing         string
		checked         string
	}{
		{"no command", nil, nil, []string{"lib: " + for386}, "", "", ""},
		{"a command that is not there", nil, words("/app"), nil, "", "", ""},
		{"a good command", nil, words("/app -v"), []string{"app: " + forAMD64}, "", "", "/app"},
		{"a foreign command", nil, words("/app"), []string{"app: " + forARM64}, "command /app is ELF for arm64", "", ""},
		{"a foreign entrypoint in the PATH", words("app"), nil, []string{"usr/local/bin/app: " + forARM64}, "entrypoint /usr/local/bin/app is ELF for arm64", "", ""},
		{"the first in the PATH counts", words("app"), nil, []string{"usr/local/bin/app: " + forAMD64, "bin/app: " + forARM64}, "", "", "/usr/local/bin/app"},
		{"what can't be run is passed over", words("app"), nil, []string{"usr/bin/app", "usr/sbin/app/", "bin/app: " + forAMD64}, "", "", "/bin/app"},
		{"a shell's line", nil, []string{"/bin/sh", "-c", "exec app --x"}, []string{"bin/sh: " + forAMD64, "bin/app: " + forARM64}, "command /bin/app is ELF for arm64", "", "/bin/sh"},
		{"a shell's line that no one else reads", nil, []string{"/bin/sh", "-c", `"$APP" -v`}, []string{"bin/sh: " + forAMD64}, "", "", "/bin/sh"},
		{"a wrapper", words("tini -- app"), nil, []string{"bin/tini: " + forAMD64, "bin/app: " + forARM64}, "entrypoint /bin/app is ELF for arm64", "", "/bin/tini"},
		{"an entrypoint's command", words("/entry"), words("app"), []string{"entry: #!/bin/sh", "bin/sh: " + forAMD64, "bin/app: " + forARM64}, "command /bin/app is ELF for arm64", "", "/bin/sh"},
		{"an entrypoint's argument", words("/app"), words("--flag"), []string{"app: " + forAMD64}, "", "", "/app"},
		{"a link", words("/app"), nil, []string{"app -> opt/real", "opt/real: " + forARM64}, "entrypoint /app is ELF for arm64", "", ""},
		{"a linked directory", words("/bin/app"), nil, []string{"bin -> usr/bin", "usr/bin/app -> ../../x", "x: " + forARM64}, "entrypoint /bin/app is ELF for arm64", "", ""},
		{"a link in a circle", words("/app"), nil, []string{"app -> /b", "b -> /app"}, "", "", ""},
		{"a hard link", words("/app"), nil, []string{"real: " + forARM64, "app => real"}, "entrypoint /app is ELF for arm64", "", ""},
		{"a foreign interpreter", words("/app"), nil, []string{"app: #!/bin/x", "bin/x: " + forARM64}, "interpreter of /app, /bin/x is ELF for arm64", "", ""},
		{"an interpreter by env", words("/app"), nil, []string{"app: #!/usr/bin/env -S A=1 py", "usr/bin/env: " + forAMD64, "bin/py: " + forARM64}, "interpreter of /app, /bin/py is ELF for arm64", "", "/usr/bin/env"},
		{"no interpreter", words("/app"), nil, []string{"app: #!/bin/bash"}, "", "interpreter of /app, /bin/bash is missing", ""},
		{"no interpreter for env", words("/app"), nil, []string{"app: #!/usr/bin/env py", "usr/bin/env: " + forAMD64}, "", "interpreter of /app, py is missing", "/usr/bin/env"},
		{"an option of env", words("/app"), nil, []string{"app: #!/usr/bin/env -S -u X py", "usr/bin/env: " + forAMD64}, "", "", "/usr/bin/env"},
		{"a script written on Windows", words("/app"), nil, []string{"app: #!/bin/sh\r\n", "bin/sh: " + forAMD64}, "", `interpreter of /app, /bin/sh\r is missing`, ""},
		{"a script for env written on Windows", words("/app"), nil, []string{"app: #!/usr/bin/env sh\r\n", "usr/bin/env: " + forAMD64, "bin/sh: " + forAMD64}, "", `interpreter of /app, sh\r is missing`, "/usr/bin/env"},
		{"a program of Cosmopolitan libc", words("/app"), nil, []string{"app: MZqFpD='"}, "", "", ""},
		{"a foreign loader", words("/app"), nil, []string{"app: " + withLoader("/lib/ld.so"), "lib/ld.so: " + forARM64}, "loader of /app, /lib/ld.so is ELF for arm64", "", "/app"},
		{"no loader", words("/app"), nil, []string{"app: " + withLoader("/lib/ld-musl.so")}, "", "loader of /app, /lib/ld-musl.so is missing", "/app"},
		{"a script that is its own interpreter", words("/app"), nil, []string{"app: #!/app"}, "", "", ""},
		{"a relative command", words("bin/app"), nil, []string{"bin/app: " + forARM64}, "entrypoint /bin/app is ELF for arm64", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opened := 0
			files := FromLayers([]Layer{layerOf(&opened, gzipped(t, tarOf(t, c.layer...)))}, false)
			r, err := Verify(t.Context(), files, imageOf("amd64", c.entrypoint, c.cmd), nil)
			assert.NilError(t, err)
			join := func(all []Finding) string {
				var texts []string
				for _, f := range all {
					texts = append(texts, f.String())
				}
				return strings.Join(texts, "; ")
			}
			assert.Equal(t, join(r.Misfits), c.misfits)
			assert.Equal(t, join(r.Missing), c.missing)
			assert.Equal(t, strings.Join(r.Checked, " "), c.checked)
			assert.Equal(t, r.Err(false) != nil, c.misfits != "")
			assert.Equal(t, r.Err(true) != nil, c.misfits+c.missing != "" || r.ForeignCount > 0)
		})
	}
}

func TestVerifyOfWindows(t *testing.T) {
	t.Parallel()
	opened := 0
	image := ocispec.Image{
		Platform: ocispec.Platform{OS: "windows", Architecture: "amd64"},
		Config:   ocispec.ImageConfig{Entrypoint: []string{`C:\app\serve`}, Cmd: []string{"cmd", "/S", "/C", "other"}},
	}
	layer := tarOf(t, "Files/app/serve.exe: "+peOf(0xaa64, false), "Files/app/lib.so: "+forARM64)
	r, err := Verify(t.Context(), FromLayers([]Layer{layerOf(&opened, layer)}, true), image, nil)
	assert.NilError(t, err)
	assert.Error(t, r.Err(false), "the image is for windows/amd64, but entrypoint /app/serve.exe is PE for arm64")
	assert.Equal(t, r.Warning(), "")
}

// TestVerifyOfWhatAWindowsEngineMakes: it has the shell form as one string, and files have attributes in place of permissions.
func TestVerifyOfWhatAWindowsEngineMakes(t *testing.T) {
	t.Parallel()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	content := peOf(0xaa64, false)
	for _, name := range []string{"Files/app/serve.exe", "Files/app/other.exe"} {
		assert.NilError(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), PAXRecords: map[string]string{windowsAttributes: "32"}}))
		_, err := io.WriteString(w, content)
		assert.NilError(t, err)
	}
	assert.NilError(t, w.Close())
	for _, config := range []ocispec.ImageConfig{
		{Entrypoint: []string{`cmd /S /C C:\app\serve.exe --port 80`}, ArgsEscaped: true},
		{Cmd: []string{`C:\app\serve.exe`}},
	} {
		image := ocispec.Image{Platform: ocispec.Platform{OS: "windows", Architecture: "amd64"}, Config: config}
		opened := 0
		r, err := Verify(t.Context(), FromLayers([]Layer{layerOf(&opened, layer.Bytes())}, true), image, nil)
		assert.NilError(t, err)
		assert.ErrorContains(t, r.Err(false), " /app/serve.exe is PE for arm64", "%+v", config)
		assert.Equal(t, r.ForeignCount, 1)
	}
}

func TestForeignProgramsBesideAreOneWarning(t *testing.T) {
	t.Parallel()
	layer := []string{"app: " + forAMD64, "lib.dll: " + peOf(0xaa64, false), "data: " + forARM64[:30], "kept/a: " + forARM64}
	for _, name := range words("a b c d e f g") {
		layer = append(layer, "node/"+name+": "+forARM64)
	}
	opened := 0
	files := FromLayers([]Layer{layerOf(&opened, zstded(t, tarOf(t, layer...)))}, false)
	allowed, err := NewAllowed([]string{"/kept", "/node/[ab]"})
	assert.NilError(t, err)
	r, err := Verify(t.Context(), files, imageOf("amd64", words("/app"), nil), allowed)
	assert.NilError(t, err)
	assert.NilError(t, r.Err(false))
	assert.ErrorContains(t, r.Err(true), "/node/c is ELF for arm64")
	assert.Equal(t, r.Warning(), "programs for other machines than linux/amd64: /node/c (ELF for arm64), /node/d (ELF for arm64), /node/e (ELF for arm64), /node/f (ELF for arm64), /node/g (ELF for arm64)")
	r, err = Verify(t.Context(), files, imageOf("amd64", words("/app"), nil), nil)
	assert.NilError(t, err)
	assert.Assert(t, strings.HasSuffix(r.Warning(), ", 3 more"), r.Warning())
	_, err = NewAllowed([]string{"relative"})
	assert.ErrorContains(t, err, "no absolute path")
}

// TestLayersHideOneAnother: what counts is what a container would see.
func TestLayersHideOneAnother(t *testing.T) {
	t.Parallel()
	base := []string{"app: " + forARM64, "dir/app: " + forARM64, "bin -> usr/bin", "usr/bin/x: " + forARM64}
	for _, c := range []struct {
		name, start string
		upper       []string
		want        string
		opened      int
	}{
		{"replaced", "/app", []string{"app: " + forAMD64}, "", 1},
		{"not replaced", "/app", []string{"other: x"}, "/app", 2},
		{"whited out", "/app", []string{".wh.app"}, "", 1},
		{"its directory whited out", "/dir/app", []string{".wh.dir"}, "", 1},
		{"its directory opaque", "/dir/app", []string{"dir/", "dir/.wh..wh..opq"}, "", 1},
		{"its directory a file now", "/dir/app", []string{"dir: x"}, "", 1},
		{"whited out and written again", "/app", []string{".wh.app", "app: " + forARM64}, "/app", 1},
		{"by a link below", "/bin/x", []string{"usr/bin/"}, "/bin/x", 2},
		{"a longer name", "/app", []string{".wh.ap"}, "/app", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opened := 0
			files := FromLayers([]Layer{layerOf(&opened, tarOf(t, base...)), layerOf(&opened, tarOf(t, c.upper...))}, false)
			r, err := Verify(t.Context(), files, imageOf("amd64", []string{c.start}, nil), nil)
			assert.NilError(t, err)
			got := ""
			if len(r.Misfits) > 0 {
				got = r.Misfits[0].Path
			}
			assert.Equal(t, got, c.want)
			assert.Equal(t, opened, c.opened, "layers were read")
			for _, f := range r.Foreign {
				assert.Assert(t, c.name == "not replaced" || c.opened == 2, "%s is hidden", f)
			}
		})
	}
}

func TestBrokenLayersAreErrors(t *testing.T) {
	t.Parallel()
	good := tarOf(t, "app: "+forAMD64)
	for name, content := range map[string][]byte{
		"no tar": []byte(strings.Repeat("x", 2000)), "cut": good[:600], "cut gzip": gzipped(t, good)[:40], "cut zstd": zstded(t, good)[:20],
	} {
		opened := 0
		_, err := Verify(t.Context(), FromLayers([]Layer{layerOf(&opened, content)}, false), imageOf("amd64", words("/app"), nil), nil)
		assert.ErrorContains(t, err, "reading", name)
	}
	for _, c := range []struct {
		l       layers
		content []byte
	}{
		{layers{left: 100}, good},
		{layers{left: maxUnpacked, names: maxNames}, tarOf(t, "a: x", "b: x")},
		{layers{left: maxUnpacked, files: maxFiles - 3}, tarOf(t, "a/b/c/d: x", "e: x")}, // directories count
		{layers{left: maxUnpacked}, tarOf(t, strings.Repeat("a/", maxName)+"a: x")},
	} {
		opened := 0
		_, err := c.l.readLayer(t.Context(), layerOf(&opened, gzipped(t, c.content)))
		assert.ErrorIs(t, err, ErrTooLarge)
	}
}

func TestVerifyFromAnEngine(t *testing.T) {
	t.Parallel()
	h := &held{t: t, files: map[string]string{
		"/app": "-> /opt/x/real", "/opt/x/real": withLoader("/lib/ld.so"), "/lib/ld.so": forAMD64,
		"/usr/bin/arm": forARM64, "/usr/bin/kept": forAMD64,
	}}
	r, err := Verify(t.Context(), FromArchives(h, Thorough), imageOf("amd64", words("/app"), nil), nil)
	assert.NilError(t, err)
	assert.DeepEqual(t, r.Checked, []string{"/app", "/lib/ld.so"})
	assert.Equal(t, r.Warning(), "programs for other machines than linux/amd64: /usr/bin/arm (ELF for arm64)")

	h.files["/opt/x/real"] = forARM64
	r, err = Verify(t.Context(), FromArchives(h, Bounds{Bytes: 1}), imageOf("amd64", words("/app"), nil), nil)
	assert.NilError(t, err)
	assert.Error(t, r.Err(false), "the image is for linux/amd64, but entrypoint /app is ELF for arm64")
}

func TestWhatShellsStart(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"app": "app", "exec app -v": "app", "A=1 B=2 exec /app": "/app", "app && other": "app", "": "",
		"$APP": "", "'app'": "", "(app)": "", "exec": "", "cd /x; app": "cd", "/a=b/c": "/a=b/c",
	} {
		assert.Equal(t, firstWord(line, shellCharacters), want, line)
	}
}

// FuzzLayer: a hostile layer is read to an end or refused.
func FuzzLayer(f *testing.F) {
	for _, seed := range [][]byte{{}, []byte("x"), {0x1f, 0x8b}, {0x28, 0xb5, 0x2f, 0xfd}} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, content []byte) {
		opened := 0
		files := FromLayers([]Layer{layerOf(&opened, content)}, true)
		files.(*layers).left = 1 << 20
		_, _ = Verify(context.Background(), files, imageOf("amd64", words("/app"), nil), nil)
	})
}
