package argument

// The beginnings of the names of images that are in no registry, as skopeo writes
// them.
const (
	// LayoutPrefix is that of an OCI layout: oci:DIR[:TAG][@DIGEST].
	LayoutPrefix = "oci:"
	// ArchivePrefix is that of one in a tar archive: oci-archive:FILE[:TAG].
	ArchivePrefix = "oci-archive:"
)
