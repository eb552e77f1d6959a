// Command docker-multiarch is the Docker CLI plugin "docker multiarch".
package main

import "github.com/docker-multiarch/docker-multiarch/plugin"

// version is set by the linker.
var version = "dev"

func main() { plugin.Main(version) }
