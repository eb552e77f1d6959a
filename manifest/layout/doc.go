// Package layout reads and writes directories in the OCI image layout
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
//
// A [Dir] answers the requests of the OCI distribution spec, so that what works on a registry works on a layout: the
// client takes it as the transport of a host. It checks every blob and manifest that it stores against its digest, and
// shows one under its name only when it is whole. It opens no file outside the layout, follows no link within it, and
// talks to no network.
package layout
