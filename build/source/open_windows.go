package source

import (
	"io/fs"
	"os"
)

const openFlags = os.O_RDONLY

// version would tell one content of a file from another beyond size and time;
// Windows has no change time to be had for it.
type version struct{}

func versionOf(fs.FileInfo) version { return version{} }
