package check

import (
	"context"
	"encoding/json"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// buildKitRules are the rules of BuildKit's linter (frontend/dockerfile/linter),
// which offers no list of them.
var buildKitRules = []string{
	"StageNameCasing", "FromAsCasing", "NoEmptyContinuation", "ConsistentInstructionCasing", "DuplicateStageName",
	"ReservedStageName", "JSONArgsRecommended", "MaintainerDeprecated", "UndefinedArgInFrom", "WorkdirRelativePath",
	"UndefinedVar", "MultipleInstructionsDisallowed", "LegacyKeyValueFormat", "InvalidBaseImagePlatform",
	"RedundantTargetPlatform", "SecretsUsedInArgOrEnv", "InvalidDefaultArgInFrom", "FromPlatformFlagConstDisallowed",
	"CopyIgnoredFile", "InvalidDefinitionDescription", "ExposeProtoCasing", "ExposeInvalidFormat",
}

// covered are BuildKit's rules that are left out: they need what is not there (the
// base image's config, the session), or a rule of ours says more.
var covered = []string{"FromPlatformFlagConstDisallowed", "InvalidBaseImagePlatform", "CopyIgnoredFile"}

// everything is what an engine of this BuildKit's version can do.
var everything = pb.Caps.CapSet(pb.Caps.All())

// lint runs BuildKit's own rules, as notes. They need no engine: base images are
// taken to be empty.
func (v *view) lint(ctx context.Context) []Finding {
	results, err := dockerfile2llb.DockerfileLint(ctx, v.Dockerfile, dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildArgs: v.Args, Target: v.Target, LinterConfig: &linter.Config{SkipRules: covered},
			TargetPlatforms: []ocispec.Platform{v.Platform}, BuildPlatforms: []ocispec.Platform{v.Platform},
		},
		TargetPlatform: &v.Platform,
		SourceMap:      &llb.SourceMap{Definition: &llb.Definition{}, Filename: v.Name, Data: v.Dockerfile},
		MetaResolver:   emptyImages{},
		LLBCaps:        &everything,
	})
	if err != nil {
		return nil // what can't be converted is the build's to say; it was parsed before
	}
	var found []Finding
	for _, w := range results.Warnings {
		f := Finding{Rule: w.RuleName, Level: Note, File: v.Name, Line: 1, Why: w.Detail, Instead: w.URL}
		if w.Location != nil && len(w.Location.Ranges) > 0 {
			f.Line = int(w.Location.Ranges[0].Start.Line)
		}
		found = append(found, f)
	}
	return found
}

// emptyImages takes every base image for one that has only a platform.
type emptyImages struct{}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (emptyImages) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	image := ocispec.Image{}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		image.Platform = *opt.ImageOpt.Platform
	}
	config, err := json.Marshal(image)
	return ref, "", config, err
}
