// Command release.d writes what a Go program was built of, as SPDX 2.3 in JSON: release.d VERSION BINARY. It is for scripts/release.
// All it says comes from the program's own build information; the date is SOURCE_DATE_EPOCH.
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: release.d VERSION BINARY")
		os.Exit(125)
	}
	if err := describe(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "release.d:", err)
		os.Exit(1)
	}
}

// describe writes the document of the program in a file to w.
func describe(w io.Writer, version, file string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), "0"), 10, 64)
	if err != nil {
		return fmt.Errorf("reading SOURCE_DATE_EPOCH: %w", err)
	}
	sum := sha256.Sum256(content)
	return json.Write(document(info, program{filepath.Base(file), version, hex.EncodeToString(sum[:])}, time.Unix(seconds, 0)), w)
}

// program is what the build information does not know.
type program struct{ name, version, sha256 string }

func document(info *debug.BuildInfo, p program, created time.Time) *spdx.Document {
	main := modulePackage("Package-main", info.Main.Path, p.version)
	main.PackageFileName = p.name
	main.PackageChecksums = []spdx.Checksum{{Algorithm: spdx.SHA256, Value: p.sha256}}
	main.PackageLicenseDeclared = "Apache-2.0"
	main.PrimaryPackagePurpose = "APPLICATION"
	doc := &spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      p.name,
		DocumentNamespace: "https://" + info.Main.Path + "/spdx/" + p.name + "-" + p.sha256,
		CreationInfo: &spdx.CreationInfo{
			Created:  created.UTC().Format(time.RFC3339),
			Creators: []spdx.Creator{{CreatorType: "Tool", Creator: "scripts/release"}},
		},
		Packages:      []*spdx.Package{main},
		Relationships: []*spdx.Relationship{relation("DOCUMENT", "DESCRIBES", main.PackageSPDXIdentifier)},
	}
	for i, dep := range append([]*debug.Module{{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}}, info.Deps...) {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		pkg := modulePackage(spdx.ElementID(fmt.Sprintf("Package-%d", i)), dep.Path, dep.Version)
		if dep.Sum != "" {
			pkg.PackageComment = "go.sum: " + dep.Sum
		}
		doc.Packages = append(doc.Packages, pkg)
		doc.Relationships = append(doc.Relationships, relation(main.PackageSPDXIdentifier, "DEPENDS_ON", pkg.PackageSPDXIdentifier))
	}
	return doc
}

// modulePackage is a Go module, or Go's standard library, which scanners know as the module "stdlib".
func modulePackage(id spdx.ElementID, path, version string) *spdx.Package {
	return &spdx.Package{
		PackageSPDXIdentifier:   id,
		PackageName:             path,
		PackageVersion:          version,
		PackageDownloadLocation: "NOASSERTION",
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: "PACKAGE-MANAGER", RefType: "purl", Locator: "pkg:golang/" + path + "@" + version,
		}},
	}
}

func relation(from spdx.ElementID, kind string, to spdx.ElementID) *spdx.Relationship {
	return &spdx.Relationship{
		RefA: spdx.DocElementID{ElementRefID: from}, Relationship: kind, RefB: spdx.DocElementID{ElementRefID: to},
	}
}
