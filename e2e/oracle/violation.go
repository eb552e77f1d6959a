package oracle

import (
	"errors"
	"fmt"
)

// The rules, in about the order in which a reader of an image meets them. errors.Is(err, ErrOrder) tells whether [Registry.Check]
// found that one broken, among others or not.
var (
	ErrTag         = errors.New("tag and digest differ")    // A GET by tag and a GET by digest give different answers.
	ErrDigest      = errors.New("wrong digest")             // The bytes are not those that the digest names.
	ErrSize        = errors.New("wrong size")               // A descriptor's size is not the number of bytes behind it.
	ErrMissing     = errors.New("missing content")          // The registry does not hold what a descriptor points at.
	ErrBound       = errors.New("too large")                // There is more to read than the oracle reads.
	ErrDocument    = errors.New("malformed document")       // The JSON is not exactly one index or one manifest.
	ErrMediaType   = errors.New("wrong media type")         // Descriptor, header and document disagree, or it is no image's.
	ErrFamily      = errors.New("mixed formats")            // A Docker manifest list has what only an OCI index can have.
	ErrPlatform    = errors.New("wrong platform")           // A config's platform is not what its descriptor says.
	ErrDuplicate   = errors.New("duplicate platform")       // Two children are for the same platform and os.version.
	ErrLayers      = errors.New("wrong layer count")        // A config has more or fewer diff_ids than its manifest has layers.
	ErrUnpack      = errors.New("layer can't be unpacked")  // A layer is not the gzip or tar that it claims to be.
	ErrDiffID      = errors.New("wrong diff_id")            // A layer does not unpack to what the config says.
	ErrAttestation = errors.New("bad attestation manifest") // It is about nothing in the index, or could be taken for an image.
	ErrOrder       = errors.New("wrong order")              // An index is not by os, architecture, variant, newest os.version.
	ErrWanted      = errors.New("not what was asked for")   // The platforms or the media type are not those of Want.
)

// ViolationError is one broken rule, and where.
type ViolationError struct {
	Rule   error  // One of the rules above.
	Where  string // Such as "child linux/arm64 sha256:0123456789ab, layer 2".
	Detail string
}

// Error says where which rule is broken, and how.
func (v *ViolationError) Error() string { return fmt.Sprintf("%s: %v: %s", v.Where, v.Rule, v.Detail) }

// Unwrap returns the rule, for errors.Is.
func (v *ViolationError) Unwrap() error { return v.Rule }

func violation(where string, rule error, format string, args ...any) error {
	return &ViolationError{Rule: rule, Where: where, Detail: fmt.Sprintf(format, args...)}
}
