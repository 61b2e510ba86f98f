namespace Katib.Coordinator.Manifests;

/// <summary>Reads the YAML, or JSON, of a Katib Experiment.</summary>
/// <remarks>
/// What Katib's webhooks do without a cluster is done here: defaults and rules. The rules are stricter where Katib
/// overlooks something: a field that means nothing, or that is not honoured yet, is an error and never ignored.
/// The algorithm's own rules are the algorithm's: its service checks name, settings and whatever it needs of the space.
/// </remarks>
public static class ExperimentYaml
{
    /// <summary>The experiment that the text describes, or everything that is wrong with it.</summary>
    public static ParsedExperiment Parse(string text)
    {
        var findings = new Findings();
        Field? root = YamlReader.Read(text, findings) is { } node ? new(findings, "", node.Line, node) : null;
        var spec = root is { } top ? ExperimentReader.Read(top) : null;
        return new(findings.Any ? null : spec, findings.Problems, findings.Warnings) { Root = root };
    }
}
