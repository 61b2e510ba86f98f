namespace Katib.EndToEnd.Tests;

/// <summary>Experiments whose worker keeps a ledger of what it has done.</summary>
internal static class Manifests
{
    /// <summary>
    /// A worker that notes its parameters when it begins and when it ends, takes a moment, and prints (x-3)^2 + k.
    /// </summary>
    public static string Ledger(
        string algorithm, int trials, int parallel, double seconds, string resumePolicy = "Never", string goal = "", int values = 10) => $$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata:
          name: ledger
        spec:
          objective:
            type: minimize
            objectiveMetricName: loss
            {{{goal}}}
          algorithm:
            algorithmName: {{{algorithm}}}
          parallelTrialCount: {{{parallel}}}
          maxTrialCount: {{{trials}}}
          resumePolicy: {{{resumePolicy}}}
          parameters:
            - name: x
              parameterType: int
              feasibleSpace: { min: "0", max: "{{{values - 1}}}" }
            - name: k
              parameterType: discrete
              feasibleSpace: { list: ["0.10", "1", "2"] }
          trialTemplate:
            primaryContainerName: main
            trialParameters:
              - { name: x, reference: x }
              - { name: k, reference: k }
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                template:
                  spec:
                    containers:
                      - name: main
                        image: busybox:1.36
                        command:
                          - sh
                          - -c
                          - |
                            echo "begin $X $K" >> ledger.txt
                            sleep {{{seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)}}}
                            awk -v x="$X" -v k="$K" 'BEGIN { print "loss=" (x - 3) * (x - 3) + k }'
                            echo "end $X $K" >> ledger.txt
                        env:
                          - { name: X, value: "${trialParameters.x}" }
                          - { name: K, value: "${trialParameters.k}" }
                    restartPolicy: Never
        """;

    /// <summary>The same worker in containers, with the ledger's folder mounted where it starts.</summary>
    public static string LedgerInContainers(string algorithm, int trials, int parallel, double seconds, string folder, int values = 10) =>
        Ledger(algorithm, trials, parallel, seconds, values: values)
            .Replace("image: busybox:1.36", """
                image: busybox:latest
                                imagePullPolicy: Never
                                workingDir: /ledger
                                volumeMounts: [{ name: ledger, mountPath: /ledger }]
                """.Trim(), StringComparison.Ordinal)
            .Replace("restartPolicy: Never", $$"""
                restartPolicy: Never
                            volumes: [{ name: ledger, hostPath: { path: {{folder}} } }]
                """.Trim(), StringComparison.Ordinal);
}
