package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return digestText(sum[:])
}

func digestText(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }

// isDigest tells a digest from a tag: a tag can't have a colon.
func isDigest(ref string) bool { return strings.Contains(ref, ":") }

// short is what a person needs to recognise a digest.
func short(digest string) string {
	if digestForm.MatchString(digest) {
		return digest[:len("sha256:")+12]
	}
	return digest
}

func refName(repo, ref string) string {
	if isDigest(ref) {
		return repo + "@" + ref
	}
	return repo + ":" + ref
}
