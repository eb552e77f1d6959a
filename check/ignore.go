package check

import (
	"maps"
	"slices"
)

// kept leaves out what a comment switches off, and names rules that are switched
// off and don't exist.
func kept(views []*view, found []Finding) []Finding {
	files := map[string]*dockerfile{}
	for _, v := range views {
		files[v.Name] = v.file
	}
	found = slices.DeleteFunc(found, func(f Finding) bool {
		return slices.ContainsFunc(files[f.File].ignored[f.Line], func(rule string) bool { return rule == "all" || rule == f.Rule })
	})
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for at, rules := range files[name].ignored {
			for _, rule := range rules {
				if !isRule(rule) {
					found = append(found, Finding{
						Rule: ruleUnknown, Level: Warning, File: name, Line: at,
						Why: "no rule is named " + rule, Instead: "# " + ignorePrefix + "RULE, with the name as a finding gives it",
					})
				}
			}
		}
	}
	return found
}

func isRule(name string) bool {
	return name == "all" || slices.Contains(Rules, name) || slices.Contains(buildKitRules, name)
}
