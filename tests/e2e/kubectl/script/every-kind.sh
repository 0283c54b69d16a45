# Every field of every kind that both servers have; of pods in explaining.sh, too.

for kind in configmaps events namespaces nodes persistentvolumeclaims persistentvolumes podtemplates secrets serviceaccounts services; do kubectl explain $kind --recursive | sed '/^DESCRIPTION/,/^FIELDS/d'; done

for kind in endpointslices ingresses leases certificatesigningrequests roles rolebindings clusterroles clusterrolebindings; do kubectl explain $kind --recursive | sed '/^DESCRIPTION/,/^FIELDS/d'; done

kubectl explain customresourcedefinitions --recursive | sed '/^DESCRIPTION/,/^FIELDS/d'
