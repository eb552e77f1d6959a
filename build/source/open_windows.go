package source

import "os"

const openFlags = os.O_RDONLY
