using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class CorpusTests
{
    public static TheoryData<string> Broken => [.. Corpus.Names("Broken")];

    public static TheoryData<string> Valid => [.. Corpus.Names("Valid")];

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_file_yields_exactly_what_it_announces(string name)
    {
        var text = Corpus.Read("Broken", name);

        var parsed = ExperimentYaml.Parse(text);

        Corpus.AssertAsAnnounced(text, parsed);
        Assert.NotEmpty(parsed.Problems);
        Assert.False(parsed.IsValid);
    }

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_valid_file_yields_an_experiment_and_the_warnings_it_announces(string name)
    {
        var text = Corpus.Read("Valid", name);

        var parsed = ExperimentYaml.Parse(text);

        Corpus.AssertAsAnnounced(text, parsed);
        Assert.True(parsed.IsValid);
    }

    [Theory]
    [MemberData(nameof(Valid))]
    public void The_manifest_of_an_experiment_reads_back_as_the_same_experiment(string name)
    {
        var first = ExperimentYaml.Parse(Corpus.Read("Valid", name)).Spec!;

        var second = ExperimentYaml.Parse(first.Manifest.ToJsonString());

        Assert.Empty(second.Problems);
        Assert.Equal(JsonSerializer.Serialize(first), JsonSerializer.Serialize(second.Spec));
        Assert.True(JsonNode.DeepEquals(first.Manifest, second.Spec!.Manifest));
        Assert.IsType<ExperimentChange.None>(ExperimentChange.Between(first.Manifest, second.Spec.Manifest));
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void Line_ends_and_a_byte_order_mark_change_nothing(string name)
    {
        var text = Corpus.Read("Broken", name);

        var parsed = ExperimentYaml.Parse("\uFEFF" + text.ReplaceLineEndings("\r\n"));

        Assert.Equal(ExperimentYaml.Parse(text).Problems, parsed.Problems);
    }

    [Fact]
    public void The_corpus_is_large() => Assert.True(Corpus.Names("Broken").Count() >= 100);
}
