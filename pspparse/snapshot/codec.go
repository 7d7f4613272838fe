package snapshot

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// section is one entry of a snapshot in both directions.
type section struct {
	name, holds string
	// write emits the records of the inventory in order.
	write func(emit func(record any) error) error
	// read takes one line into the inventory.
	read func(line []byte) error
}

// codec holds an inventory while a snapshot is made of it, or it of a snapshot. What many records share is in tables, each once,
// and named by a number from 1.
type codec struct {
	inv           *inventory.Inventory
	shapes        table[inventory.Shape]
	podMetas      table[inventory.PodMeta]
	templateMetas table[inventory.TemplateMeta]
}

// sections returns the entries of a snapshot in their order: what others name by number comes first.
func (c *codec) sections() []section {
	inv := c.inv
	return []section{
		tableSection("shapes.jsonl", "pods reduced to what rules look at, each once", &c.shapes, newShapeRecord, shapeRecord.shape),
		tableSection("pod-metadata.jsonl", "metadata of pod templates, each once", &c.podMetas, newPodMetaRecord, podMetaRecord.podMeta),
		tableSection("template-metadata.jsonl", "managers and images of templates, each once", &c.templateMetas, newTemplateMetaRecord, templateMetaRecord.templateMeta),
		listSection("policies.jsonl", "PodSecurityPolicies", &inv.Policies,
			func(p **pspparse.Policy) *pspparse.Policy { return *p }, existingPolicy),
		listSection("namespaces.jsonl", "namespaces with their labels", &inv.Namespaces, newNamespaceRecord, checked(namespaceRecord.namespace)),
		listSection("serviceaccounts.jsonl", "service accounts", &inv.ServiceAccounts,
			func(s *inventory.ServiceAccount) serviceAccountRecord { return serviceAccountRecord(*s) },
			checked(func(r serviceAccountRecord) inventory.ServiceAccount { return inventory.ServiceAccount(r) })),
		listSection("roles.jsonl", "Roles and ClusterRoles, as far as they matter", &inv.Roles,
			func(r *inventory.Role) roleRecord { return roleRecord(*r) },
			checked(func(r roleRecord) inventory.Role { return inventory.Role(r) })),
		listSection("bindings.jsonl", "RoleBindings and ClusterRoleBindings", &inv.Bindings,
			func(b *inventory.Binding) bindingRecord { return bindingRecord(*b) },
			checked(func(r bindingRecord) inventory.Binding { return inventory.Binding(r) })),
		listSection("workloads.jsonl", "objects that make pods, and bare pods", &inv.Workloads, c.newWorkloadRecord, c.workload),
		listSection("apiservers.jsonl", "API servers with their flags about admission", &inv.APIServers,
			func(a *inventory.APIServer) inventory.APIServer { return *a },
			checked(func(a inventory.APIServer) inventory.APIServer { return a })),
		listSection("admission-rules.jsonl", "what changes or refuses pods at admission", &inv.AdmissionRules, c.newAdmissionRuleRecord, c.admissionRule),
		listSection("generated-policies.jsonl", "admission policies of this tool", &inv.GeneratedPolicies,
			func(p *inventory.GeneratedPolicy) generatedPolicyRecord { return generatedPolicyRecord(*p) },
			checked(func(r generatedPolicyRecord) inventory.GeneratedPolicy { return inventory.GeneratedPolicy(r) })),
		listSection("misplaced-keys.jsonl", "keys of Pod Security without effect", &inv.MisplacedKeys, newMisplacedKeyRecord, checked(misplacedKeyRecord.misplacedKey)),
		listSection("admission-configs.jsonl", "configurations of Pod Security", &inv.AdmissionConfigTemplates,
			func(t *inventory.AdmissionConfigTemplate) admissionConfigTemplateRecord {
				return admissionConfigTemplateRecord(*t)
			},
			checked(func(r admissionConfigTemplateRecord) inventory.AdmissionConfigTemplate {
				return inventory.AdmissionConfigTemplate(r)
			})),
		listSection("admission-config-uses.jsonl", "which cluster has which configuration", &inv.AdmissionConfigTemplateUses,
			func(u *inventory.AdmissionConfigTemplateUse) admissionConfigTemplateUseRecord {
				return admissionConfigTemplateUseRecord(*u)
			},
			checked(func(r admissionConfigTemplateUseRecord) inventory.AdmissionConfigTemplateUse {
				return inventory.AdmissionConfigTemplateUse(r)
			})),
		listSection("label-writers.jsonl", "what labels namespaces that were not read", &inv.LabelWriters,
			func(w *inventory.LabelWriter) inventory.LabelWriter { return *w },
			checked(func(w inventory.LabelWriter) inventory.LabelWriter { return w })),
		listSection("gaps.jsonl", "what could not be read or evaluated", &inv.Gaps,
			func(g *inventory.Gap) gapRecord { return gapRecord(*g) },
			func(r gapRecord) (inventory.Gap, error) { return inventory.Gap(r), checkMessage(r.Why) }),
		listSection("notes.jsonl", "remarks that make nothing uncertain", &inv.Notes,
			func(n *inventory.Note) noteRecord { return noteRecord(*n) },
			func(r noteRecord) (inventory.Note, error) { return inventory.Note(r), checkMessage(r.Why) }),
		listSection("skipped.jsonl", "numbers of documents of other kinds", &inv.Skipped,
			func(k *inventory.KindCount) inventory.KindCount { return *k },
			checked(func(k inventory.KindCount) inventory.KindCount { return k })),
	}
}

// listSection returns the entry of a list of the inventory: toRecord makes the line of an item, and fromRecord the item of a line.
func listSection[T, R any](name, holds string, list *[]T, toRecord func(*T) R, fromRecord func(R) (T, error)) section {
	return section{
		name: name, holds: holds,
		write: func(emit func(any) error) error {
			for i := range *list {
				if err := emit(toRecord(&(*list)[i])); err != nil {
					return err
				}
			}
			return nil
		},
		read: func(line []byte) error {
			var r R
			if err := decodeLine(line, &r); err != nil {
				return err
			}
			item, err := fromRecord(r)
			if err == nil {
				*list = append(*list, item)
			}
			return err
		},
	}
}

// tableSection returns the entry of a table of a snapshot. Its records have the numbers 1, 2, 3 and so on.
func tableSection[T, R any](name, holds string, t *table[T], toRecord func(number int, value *T) R, fromRecord func(R) (number int, value *T)) section {
	return section{
		name: name, holds: holds,
		write: func(emit func(any) error) error {
			for i, value := range t.values {
				if err := emit(toRecord(i+1, value)); err != nil {
					return err
				}
			}
			return nil
		},
		read: func(line []byte) error {
			var r R
			if err := decodeLine(line, &r); err != nil {
				return err
			}
			number, value := fromRecord(r)
			if number != len(t.values)+1 {
				return fmt.Errorf("it has the number %d, and not %d", number, len(t.values)+1)
			}
			t.values = append(t.values, value)
			return nil
		},
	}
}

// checked makes of a conversion of a record one that cannot fail.
func checked[R, T any](convert func(R) T) func(R) (T, error) {
	return func(r R) (T, error) { return convert(r), nil }
}

// existingPolicy returns the policy of a record of a snapshot, or an error for a line that holds none.
func existingPolicy(p *pspparse.Policy) (*pspparse.Policy, error) {
	if p == nil || p.Name == "" {
		return nil, errors.New("it holds no policy")
	}
	for i := range p.Problems {
		if err := checkMessage(p.Problems[i].Message); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// trueKeys returns the keys of a set of a snapshot, sorted; nil for none.
func trueKeys(set map[string]bool) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if set[key] {
			out = append(out, key)
		}
	}
	return out
}

// setOf returns the set of the keys in a snapshot; nil for none.
func setOf(keys []string) map[string]bool {
	if len(keys) == 0 {
		return nil
	}
	set := make(map[string]bool, len(keys))
	for _, key := range keys {
		set[key] = true
	}
	return set
}
