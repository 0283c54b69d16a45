# Kinds that Boatyard doesn't embed are refused by name, by kubectl itself.

# differs: no workload kinds
kubectl create deployment web --image=x --dry-run=server

# differs: no workload kinds
kubectl create job once --image=x --dry-run=server

# differs: no workload kinds
kubectl create cronjob often --image=x --schedule='* * * * *' --dry-run=server

# differs: no workload kinds
kubectl get deployments,daemonsets,statefulsets,replicasets,jobs,cronjobs

# differs: no workload kinds
kubectl rollout restart deployment web

# differs: no workload kinds
kubectl rollout history deployment web

# differs: no workload kinds
kubectl autoscale deployment web --max=3

# differs: no quotas
kubectl create quota q --hard=pods=1 --dry-run=server

# differs: no disruption budgets for pods
kubectl create poddisruptionbudget b --selector=a=b --min-available=1 --dry-run=server

# differs: no priority classes but the system's two
kubectl create priorityclass p --value=1 --dry-run=server

# differs: no Endpoints, only EndpointSlices
kubectl get endpoints

# differs: no component statuses
kubectl get componentstatuses

# differs: no network policies
kubectl get networkpolicies

# differs: no storage classes
kubectl get storageclasses

# differs: no ephemeral containers
kubectl run p --image=x > said; kubectl debug p --image=x --target=p --attach=false --profile=general

# differs: no node ports
kubectl create service nodeport n --tcp=80 -o jsonpath='{.spec.ports[0].nodePort}'
