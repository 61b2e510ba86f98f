using System.Text.Json.Nodes;
using Katib.Coordinator.Runners.Kubernetes;

namespace Katib.Coordinator.Tests.Runners;

public sealed class ConditionPathTests
{
    private const string Complete = """status.conditions.#(type=="Complete")#|#(status=="True")#""";

    private static readonly JsonObject Job = JsonNode.Parse("""
        {
          "metadata": {"labels": {"a.b": {"c": 1}}},
          "status": {
            "phase": "Succeeded",
            "failed": 3,
            "conditions": [
              {"type": "Running", "status": "False", "reason": "JobRunning"},
              {"type": "Complete", "status": "False", "reason": "Early"},
              {"type": "Complete", "status": "True", "reason": "Done", "tries": 2, "by": {"name": "x"}}
            ]
          }
        }
        """)!.AsObject();

    [Theory]
    [InlineData(Complete, "Done")]
    [InlineData("""status.conditions.#(type=="Complete")""", "Early")]
    [InlineData("""status.conditions.#(type=="Complete")#""", "Early")]
    [InlineData("""status.conditions.#(type=="Failed")#|#(status=="True")#""", null)]
    [InlineData("""status.conditions.#(type=="Complete")|#(status=="True")#""", null)]
    [InlineData("""status.conditions.#(tries==2)""", "Done")]
    [InlineData("""status.conditions.#(tries==2.0)#""", "Done")]
    [InlineData("""status.conditions.#(by.name=="x")""", "Done")]
    [InlineData("status.conditions.0", "JobRunning")]
    [InlineData("status.conditions", "JobRunning")]
    [InlineData("status.conditions.9", null)]
    [InlineData("status.phase", null)]
    [InlineData("status.failed", null)]
    [InlineData("""status.conditions.#(type=="Complete")#.reason""", null)]
    [InlineData("spec.nothing", null)]
    public void It_holds_where_it_leads_to_an_object(string path, string? reason) =>
        Assert.Equal(reason, (string?)ConditionPath.Parse(path).Match(Job)?["reason"]);

    [Fact]
    public void Argos_workflow_is_queried_as_an_array_of_itself()
    {
        Assert.NotNull(ConditionPath.Parse("""status.[@this].#(phase=="Succeeded")#""").Match(Job));
        Assert.Null(ConditionPath.Parse("""status.[@this].#(phase=="Failed")#""").Match(Job));
    }

    [Fact]
    public void Behind_a_dot_it_goes_on_in_each_match_and_a_backslash_makes_a_dot_a_letter()
    {
        Assert.Equal("x", (string?)ConditionPath.Parse("""status.conditions.#(type=="Complete")#.by""").Match(Job)?["name"]);
        Assert.NotNull(ConditionPath.Parse("""metadata.labels.a\.b""").Match(Job));
    }

    [Theory]
    [InlineData("", "at character 1 a key is missing")]
    [InlineData("status..conditions", "at character 8 a key is missing")]
    [InlineData("""status.#(type!="a")""", "at character 14 '!' is not understood here")]
    [InlineData("""status.#(type%"a*")""", "at character 14 '%' is not understood here")]
    [InlineData("""status.#(type=="a""", "a text in double quotes")]
    [InlineData("""status.#(type=="a" """, "at character 20 the query is not closed")]
    [InlineData("""status.#(type==[1])""", "a query compares with")]
    [InlineData("""status.#(type=="a")x""", "at character 20 a dot or a bar")]
    [InlineData("status.conditions.#", "at character 19 '#' is not understood here")]
    [InlineData("@reverse", "at character 1 '@' is not understood here")]
    public void What_is_not_understood_is_refused(string path, string words) =>
        Assert.Contains(words, Assert.Throws<FormatException>(() => ConditionPath.Parse(path)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_long_path_is_refused() =>
        Assert.Throws<FormatException>(() => ConditionPath.Parse(new string('a', 1001)));
}
