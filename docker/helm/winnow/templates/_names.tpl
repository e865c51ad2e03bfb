{{- define "winnow.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 45 | trimSuffix "-" }}
{{- end }}

{{/* 45 characters: KubeRay adds "-serve-svc", and cuts names at 63 with suffixes of its own. */}}
{{- define "winnow.fullname" -}}
{{- $name := include "winnow.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* Names by which the Service, KubeRay's and the Ingress are asked. */}}
{{- define "winnow.hosts" -}}
{{- $names := list (include "winnow.fullname" .) -}}
{{- if .Values.ray.enabled -}}
{{- $names = append $names (printf "%s-serve-svc" (first $names)) -}}
{{- end -}}
{{- $hosts := list "*.svc" "*.svc.cluster.local" -}}
{{- range $names -}}
{{- $hosts = append (append $hosts .) (printf "%s.%s" . $.Release.Namespace) -}}
{{- end -}}
{{- if .Values.ingress.host -}}
{{- $hosts = append $hosts .Values.ingress.host -}}
{{- end -}}
{{- toJson $hosts -}}
{{- end }}

{{- define "winnow.selectorLabels" -}}
app.kubernetes.io/name: {{ include "winnow.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "winnow.labels" -}}
{{ include "winnow.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "winnow.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "winnow.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{- default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "winnow.storeClaim" -}}
{{- default (printf "%s-store" (include "winnow.fullname" .)) .Values.store.file.claim }}
{{- end }}

{{/* The most replicas that there may be. */}}
{{- define "winnow.maxReplicas" -}}
{{- if .Values.ray.enabled -}}
{{- .Values.ray.args.max_replicas | default 1 }}
{{- else if .Values.autoscaling.enabled -}}
{{- .Values.autoscaling.maxReplicas }}
{{- else if .Values.keda.enabled -}}
{{- .Values.keda.maxReplicas }}
{{- else -}}
{{- .Values.replicaCount }}
{{- end -}}
{{- end }}
