package check

// The rules, by the names that findings and comments have.
const (
	ruleBaseLacks     = "BaseLacksPlatform"
	ruleBasePinned    = "BasePinsOnePlatform"
	ruleBaseNamed     = "BaseNamesPlatform"
	ruleFromConstant  = "FromConstantPlatform"
	ruleDownload      = "DownloadNamesPlatform"
	ruleBuild         = "BuildNamesPlatform"
	rulePackage       = "PackageNamesPlatform"
	rulePath          = "PathNamesPlatform"
	ruleCopy          = "CopyNamesPlatform"
	ruleBinary        = "BinaryOfOnePlatform"
	ruleShell         = "ShellOfOneSystem"
	ruleArgUndeclared = "TargetArgUndeclared"
	ruleArgOverridden = "TargetArgOverridden"
	ruleBuildStage    = "BuildStageIgnoresTarget"
	ruleUnknown       = "UnknownRule"
)

// Rules are the names of the rules that are not BuildKit's.
var Rules = []string{
	ruleBaseLacks, ruleBasePinned, ruleBaseNamed, ruleFromConstant, ruleDownload, ruleBuild, rulePackage, rulePath,
	ruleCopy, ruleBinary, ruleShell, ruleArgUndeclared, ruleArgOverridden, ruleBuildStage, ruleUnknown,
}
