# A kind of one's own: columns, status, scale, short names, categories, rules.

cat > definition.yaml <<END
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.$NS.example.com}
spec:
  group: $NS.example.com
  scope: Namespaced
  names: {plural: ships, singular: ship, kind: Ship, listKind: ShipList, shortNames: [sh], categories: [fleet]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.masts, statusReplicasPath: .status.masts, labelSelectorPath: .status.selector}}
    selectableFields: [{jsonPath: .spec.flag}]
    additionalPrinterColumns:
    - {name: Masts, type: integer, jsonPath: .spec.masts, description: How many}
    - {name: Afloat, type: boolean, jsonPath: .status.afloat}
    - {name: Flag, type: string, jsonPath: .spec.flag, priority: 1}
    - {name: Ports, type: string, jsonPath: ".spec.ports[*].name"}
    - {name: Launched, type: date, jsonPath: .spec.launched}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        description: A ship.
        required: [spec]
        properties:
          spec:
            type: object
            required: [masts]
            properties:
              masts: {type: integer, minimum: 1, maximum: 5, description: How many masts.}
              flag: {type: string, enum: [red, blue], default: red}
              launched: {type: string, format: date-time}
              draught: {x-kubernetes-int-or-string: true}
              ports:
                type: array
                maxItems: 3
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string, pattern: '^[a-z]+$'}, days: {type: integer}}}
              cargo: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, properties: {afloat: {type: boolean}, masts: {type: integer}, selector: {type: string}}}
END
kubectl apply -f definition.yaml

kubectl wait crd/ships.$NS.example.com --for=condition=Established --timeout=60s; until kubectl api-resources --api-group=$NS.example.com -o name 2> said | grep -q ships && kubectl get --raw /openapi/v3/apis/$NS.example.com/v1 2> said | grep -q '"Ship"'; do sleep 0.2; done

kubectl create -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: mary}
spec: {masts: 3, launched: "2020-01-01T00:00:00Z", draught: 2m, ports: [{name: ulm}, {name: kiel, days: 2}], cargo: {any: [thing]}}
END

kubectl get ships

kubectl get sh -o wide

kubectl get fleet

kubectl get ships --field-selector=spec.flag=red -o name

kubectl get ship mary -o yaml

kubectl describe ship mary

kubectl explain ships.spec

kubectl explain ship --recursive

kubectl scale ship mary --replicas=4

kubectl scale ship mary --replicas=2 --current-replicas=3

kubectl scale ship/mary --replicas=9

kubectl patch ship mary --subresource=scale --type=merge -p '{"spec": {"replicas": 5}}'

kubectl get ship mary --subresource=scale

kubectl patch ship mary --subresource=status --type=merge -p '{"status": {"afloat": true}, "spec": {"masts": 1}}'

kubectl get ship mary

kubectl patch ship mary -p '{"spec": {"masts": 1}}'

kubectl patch ship mary --type=merge -p '{"spec": {"mast": 1}}'

kubectl patch ship mary --type=merge -p '{"spec": {"ports": [{"name": "ulm"}, {"name": "ulm"}]}}'

kubectl create -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: anna}
spec: {masts: 9, flag: green, launched: yesterday, draught: true, ports: [{name: A}, {days: x}], sail: 1}
END

kubectl create -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: Anna_1}
END

kubectl create --validate=warn -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: nina}
spec: {masts: 1, sail: 1, ports: [{name: a, x: 1}]}
END

kubectl create -f - <<END
apiVersion: $NS.example.com/v2
kind: Ship
metadata: {name: nina}
END

kubectl apply -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: ida}
spec: {masts: 2, ports: [{name: ulm}]}
END

kubectl apply -f - <<END
apiVersion: $NS.example.com/v1
kind: Ship
metadata: {name: ida}
spec: {masts: 3, ports: [{name: kiel}]}
END

kubectl label ships --all line=north

kubectl rollout status ship/ida

kubectl get crd ships.$NS.example.com

kubectl get crd ships.$NS.example.com -o jsonpath='{.status.acceptedNames} {.status.storedVersions} {.status.conditions[*].type}'

kubectl describe crd ships.$NS.example.com

# differs: ours names the field
sed -i 's/maximum: 5/maximum: x/; s/storage: true/storage: false/; s/scope: Namespaced/scope: World/' definition.yaml; kubectl apply -f definition.yaml

# differs: ours names the version whose schema it is
kubectl create -f - <<END
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wrong}
spec: {group: example.com, scope: Namespaced, names: {plural: ships, kind: Ship}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: string}}}]}
END

kubectl delete crd ships.$NS.example.com

# differs: every error is a Status, there a group that is gone is a page that isn't found
kubectl get ships
