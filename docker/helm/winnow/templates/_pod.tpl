{{/* What the Deployment's pods and Ray's have in common. */}}

{{- define "winnow.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001 # Secrets are root's: by their group the server reads them
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "winnow.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "winnow.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "winnow.secretVariable" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret.name }}
      key: {{ .secret.key }}
{{- end }}

{{- define "winnow.env" -}}
{{- $v := .Values -}}
- name: HOME # the image's is on the read-only root
  value: /cache
- name: HF_HOME
  value: /cache/huggingface
- name: TORCHINDUCTOR_CACHE_DIR
  value: /cache/torchinductor
- name: TRITON_CACHE_DIR
  value: /cache/triton
- name: VLLM_CACHE_ROOT
  value: /cache/vllm
{{- range $name, $value := $v.settings }}
- name: {{ $name }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- if not (or $v.secrets.keys.name (hasKey $v.settings "WINNOW_ALLOWED_HOSTS")) }}
- name: WINNOW_ALLOWED_HOSTS # without keys the server answers no other names
  value: {{ include "winnow.hosts" . | quote }}
{{- end }}
{{- if $v.secrets.keys.name }}
- name: WINNOW_KEYS
  value: /keys/{{ $v.secrets.keys.key }}
{{- end }}
{{- if eq $v.store.type "postgres" }}
{{ include "winnow.secretVariable" (dict "variable" "WINNOW_STORE" "secret" $v.store.postgres) }}
{{- else }}
- name: WINNOW_STORE
  value: /store/collections.sqlite3
{{- end }}
{{- range $name, $variable := dict
      "cacheSecret" "WINNOW_CACHE_SECRET"
      "huggingFace" "HF_TOKEN"
      "verifierApiKey" "WINNOW_VERIFIER_API_KEY"
      "embedderApiKey" "WINNOW_EMBEDDER_API_KEY"
      "rerankerApiKey" "WINNOW_RERANKER_API_KEY" }}
{{- $secret := index $v.secrets $name }}
{{- if $secret.name }}
{{ include "winnow.secretVariable" (dict "variable" $variable "secret" $secret) }}
{{- end }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "winnow.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: cache
  mountPath: /cache
- name: shm
  mountPath: /dev/shm
{{- if ne .Values.store.type "postgres" }}
- name: store
  mountPath: /store
{{- end }}
{{- if .Values.secrets.keys.name }}
- name: keys # the folder, not a subPath: that would never see a Secret that changes
  mountPath: /keys
  readOnly: true
{{- end }}
{{- if .Values.model.claim }}
- name: models
  mountPath: /models
  readOnly: true
  {{- with .Values.model.claimSubPath }}
  subPath: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "winnow.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmp.sizeLimit }}
- name: cache
  {{- if .Values.cache.claim }}
  persistentVolumeClaim:
    claimName: {{ .Values.cache.claim }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.cache.sizeLimit }}
  {{- end }}
- name: shm
  emptyDir:
    medium: Memory
    sizeLimit: {{ .Values.shm.sizeLimit }}
{{- if eq .Values.store.type "ephemeral" }}
- name: store
  emptyDir: {}
{{- else if eq .Values.store.type "file" }}
- name: store
  persistentVolumeClaim:
    claimName: {{ include "winnow.storeClaim" . }}
{{- end }}
{{- with .Values.secrets.keys }}
{{- if .name }}
- name: keys
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items:
      - key: {{ .key }}
        path: {{ .key }}
{{- end }}
{{- end }}
{{- if .Values.model.claim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ .Values.model.claim }}
    readOnly: true
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of a pod that serves; Ray's head, which does not, goes where there is no GPU. */}}
{{- define "winnow.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
{{- with index $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "winnow.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The longest that a pod may take to end: what SIGTERM waits, the drain, and some. */}}
{{- define "winnow.gracePeriod" -}}
{{- with .Values.termination -}}
{{- add (int .endpointLagSeconds) (int .drainSeconds) (int .spareSeconds) }}
{{- end -}}
{{- end }}

{{- define "winnow.lifecycle" -}}
{{- if gt (int .Values.termination.endpointLagSeconds) 0 }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .Values.termination.endpointLagSeconds }}
{{- end }}
{{- end }}
