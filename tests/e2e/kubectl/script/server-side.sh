# apply --server-side: who owns what, and what happens when two want it.

kubectl apply --server-side -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: tls, port: 443}]}
END

kubectl apply --server-side -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: tls, port: 443}]}
END

kubectl apply --server-side --field-manager=other -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: shop, tier: front}}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
END

kubectl apply --server-side --field-manager=other --force-conflicts -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: shop, tier: front}}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
END

kubectl get service web -o yaml --show-managed-fields

kubectl apply --server-side --field-manager=other -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
END

kubectl get service web -o yaml

kubectl apply --server-side --dry-run=server -f - -o yaml <<END
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: team}
spec: {source: {git: {url: "https://git.example/team.git", branches: [main]}}, strategy: {master: {engine: boatyard}}}
END

kubectl apply --server-side -f - <<END
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: team}
spec: {source: {git: {url: "https://git.example/team.git", branches: [main]}}, strategy: {master: {engine: boatyard}}}
END

kubectl apply --server-side --field-manager=b -f - <<END
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: team}
spec: {source: {git: {url: "https://git.example/other.git", branches: [main]}}, strategy: {master: {engine: boatyard}}}
END

kubectl get ciconfig team -o yaml --show-managed-fields

# differs: a bad request, there an internal error
kubectl apply --server-side -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
cake: 1
data: {a: 1}
END

# differs: a bad request, there an internal error; no Go types in ours
kubectl apply --server-side --validate=false -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: 1}
END

kubectl apply --server-side -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: c, managedFields: [{manager: me}]}
END

printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\ndata: {a: "1", b: "2"}\n' > old.yaml; kubectl apply -f old.yaml

sed -i 's/, b: "2"//' old.yaml; kubectl apply --server-side -f old.yaml

# differs: two of one second are in another order, and both have a time
kubectl get configmap old -o yaml --show-managed-fields

kubectl diff --server-side -f old.yaml; echo $?

kubectl create configmap theirs --from-literal=a=1 --from-literal=b=2; kubectl apply --server-side -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "3", "c": "4"}}
END

kubectl patch configmap theirs -p '{"data": {"a": "5"}}' --field-manager=hand; kubectl apply --server-side -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "3"}}
END

kubectl apply --server-side --subresource=status -f - <<END
{"apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": "team"}, "status": {"phase": "Ready"}}
END

kubectl apply --server-side -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
END

kubectl apply --server-side --force-conflicts=maybe -f old.yaml
