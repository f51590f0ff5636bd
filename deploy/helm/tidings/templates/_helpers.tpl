{{- define "tidings.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "tidings.selector" -}}
app.kubernetes.io/name: tidings
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tidings.labels" -}}
{{ include "tidings.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The pod of a role: { root, role, port, resources }; without a port it is the migration. */}}
{{- define "tidings.pod" -}}
{{- $root := .root -}}
{{- if ne .role "migrate" }}
serviceAccountName: {{ include "tidings.name" $root }}
{{- end }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 20
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- if ne .role "migrate" }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tidings.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
{{- end }}
containers:
  - name: tidings
    image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: [{{ .role }}]
    envFrom:
      - secretRef:
          name: {{ $root.Values.existingSecret }}
    env:
      - name: TIDINGS_MIGRATE
        value: 'false'
      {{- if $root.Values.catalogConfigMap }}
      - name: TIDINGS_CATALOG
        value: /catalog
      {{- end }}
      {{- range $name, $value := $root.Values.env }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- if eq .role "api" }}
    # Until all proxies of the cluster know that it stops, requests still come.
    lifecycle:
      preStop:
        exec: { command: [sleep, '5'] }
    {{- end }}
    {{- if .port }}
    ports:
      - name: http
        containerPort: {{ .port }}
    startupProbe:
      httpGet: { path: /healthz/live, port: http }
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: { path: /healthz/live, port: http }
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 3
    readinessProbe:
      httpGet: { path: /healthz/ready, port: http }
      periodSeconds: 5
      timeoutSeconds: 3
    {{- end }}
    {{- with .resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    volumeMounts:
      - { name: data, mountPath: /var/lib/tidings }
      - { name: tmp, mountPath: /tmp }
      {{- if $root.Values.catalogConfigMap }}
      - { name: catalog, mountPath: /catalog, readOnly: true }
      {{- end }}
volumes:
  - { name: data, emptyDir: {} }
  - { name: tmp, emptyDir: {} }
  {{- if $root.Values.catalogConfigMap }}
  - name: catalog
    configMap:
      name: {{ $root.Values.catalogConfigMap }}
  {{- end }}
{{- end }}
