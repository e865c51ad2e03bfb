{{/* What the schema cannot say: values that do not go together. */}}
{{- define "winnow.check" -}}
{{- $v := .Values -}}
{{- if and $v.autoscaling.enabled $v.keda.enabled }}
{{- fail "autoscaling.enabled and keda.enabled exclude each other: KEDA makes a HorizontalPodAutoscaler of its own" }}
{{- end }}
{{- if $v.ray.enabled }}
{{- range $name, $on := dict
      "autoscaling.enabled" $v.autoscaling.enabled
      "keda.enabled" $v.keda.enabled
      "networkPolicy.enabled" $v.networkPolicy.enabled
      "metrics.serviceMonitor.enabled" $v.metrics.serviceMonitor.enabled }}
{{- if $on }}
{{- fail (printf "%s does not go with ray.enabled: Ray scales, routes and measures its replicas itself" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $v.ray.enabled (eq $v.store.type "file") }}
{{- fail "store.type file does not go with ray.enabled: its volume is for one pod; set store.type postgres and store.postgres.name" }}
{{- end }}
{{- range $name := list "autoscaling" "keda" }}
{{- $scaler := index $v $name }}
{{- if and $scaler.enabled (gt (int $scaler.minReplicas) (int $scaler.maxReplicas)) }}
{{- fail (printf "%s.minReplicas must be at most %s.maxReplicas, got %d and %d" $name $name (int $scaler.minReplicas) (int $scaler.maxReplicas)) }}
{{- end }}
{{- end }}
{{- if and $v.autoscaling.enabled (not $v.autoscaling.targetCPUUtilizationPercentage) (not $v.autoscaling.podMetrics) }}
{{- fail "autoscaling.enabled needs autoscaling.targetCPUUtilizationPercentage or autoscaling.podMetrics" }}
{{- end }}
{{- if $v.keda.enabled }}
{{- if not $v.keda.prometheusAddress }}
{{- fail "keda.enabled needs keda.prometheusAddress, such as http://prometheus-operated.monitoring:9090" }}
{{- end }}
{{- if not (or $v.keda.waitingPathsPerReplica $v.keda.queueSeconds $v.keda.requestSeconds) }}
{{- fail "keda.enabled needs one of keda.waitingPathsPerReplica, keda.queueSeconds, keda.requestSeconds" }}
{{- end }}
{{- end }}
{{- $replicas := int (include "winnow.maxReplicas" .) }}
{{- if gt $replicas 1 }}
{{- if eq $v.store.type "file" }}
{{- fail (printf "%d replicas with store.type file: SQLite is for one; set store.type postgres and store.postgres.name" $replicas) }}
{{- end }}
{{- if and (eq $v.store.type "ephemeral") (not $v.store.acceptSplit) }}
{{- fail (printf "%d replicas with store.type ephemeral would each have collections and feedback of their own; set store.type postgres and store.postgres.name, or store.acceptSplit where nobody uses either" $replicas) }}
{{- end }}
{{- end }}
{{- if and (eq $v.store.type "postgres") (not $v.store.postgres.name) }}
{{- fail "store.type postgres needs store.postgres.name, a Secret whose key store.postgres.key has a postgresql:// URL" }}
{{- end }}
{{- if and $v.metrics.serviceMonitor.enabled $v.secrets.keys.name (not $v.secrets.monitorKey.name) }}
{{- fail "metrics.serviceMonitor.enabled with secrets.keys.name needs secrets.monitorKey.name: /metrics wants a key with the role monitor" }}
{{- end }}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}
{{- fail "ingress.enabled needs ingress.host" }}
{{- end }}
{{- end }}
