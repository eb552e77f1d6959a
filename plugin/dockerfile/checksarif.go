package dockerfile

import (
	"path/filepath"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/check"
)

// The part of SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format) that
// a report needs.
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     check.Level     `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

func newSARIF(report *check.Report, version string) sarif {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "docker multiarch check", Version: version, InformationURI: "https://github.com/docker-multiarch/docker-multiarch", Rules: []sarifRule{}}
	named := map[string]bool{}
	for _, f := range report.Findings {
		if !named[f.Rule] {
			named[f.Rule] = true
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Rule})
		}
		message := findingText(f)
		if f.Instead != "" {
			message += ". Instead: " + progress.Clean(f.Instead)
		}
		var at sarifLocation
		at.Physical.Artifact.URI = filepath.ToSlash(progress.Clean(f.File))
		at.Physical.Region.StartLine = f.Line
		run.Results = append(run.Results, sarifResult{RuleID: f.Rule, Level: f.Level, Message: sarifText{message}, Locations: []sarifLocation{at}})
	}
	return sarif{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
}
