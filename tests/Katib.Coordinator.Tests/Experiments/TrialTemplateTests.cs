using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class TrialTemplateTests
{
    private static readonly ImmutableArray<string> SearchParameters = ["lr", "layers"];

    [Fact]
    public void Every_placeholder_in_every_text_value_is_filled_in()
    {
        var template = Template(
            """{"args": ["--lr=${trialParameters.lr} -n ${trialParameters.n}${trialParameters.lr}", 5, null, true], "env": {"N": "${trialParameters.n}"}}""",
            new("lr", "lr"),
            new("n", "layers"));

        var rendered = template.Render("trial-1", "default", Assign(("lr", "0.1"), ("layers", "3")));

        Assert.Equal("""["--lr=0.1 -n 30.1",5,null,true]""", rendered["spec"]!["args"]!.ToJsonString());
        Assert.Equal("3", rendered["spec"]!["env"]!["N"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("it's \"quoted\"")]
    [InlineData("two\nlines\\n")]
    [InlineData("$1 $$ ${HOME} $(x)")]
    [InlineData("${trialParameters.n}")]
    [InlineData("${trialParameters.lr}")]
    [InlineData("{\"a\": [1, 2]}")]
    [InlineData("}")]
    [InlineData("\0")]
    [InlineData("")]
    public void A_value_arrives_as_it_is_whatever_it_contains(string value)
    {
        var template = Template("""{"a": "<${trialParameters.lr}|${trialParameters.n}>"}""", new("lr", "lr"), new("n", "layers"));

        var rendered = template.Render("trial-1", "default", Assign(("lr", value), ("layers", "3")));

        Assert.Equal($"<{value}|3>", JsonNode.Parse(rendered.ToJsonString())!["spec"]!["a"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("${trialSpec.Name}", "trial-1")]
    [InlineData("${trialSpec.Namespace}", "team")]
    [InlineData("${trialSpec.Kind}", "Job")]
    [InlineData("${trialSpec.APIVersion}", "batch/v1")]
    [InlineData("${trialSpec.Annotations[note]}", "say \"hi\"")]
    [InlineData("${trialSpec.Labels[example.com/app]}", "mnist")]
    [InlineData("${trialSpec.Labels[number]}", "5")]
    public void A_meta_reference_is_taken_from_the_trial_and_its_template(string reference, string expected)
    {
        var template = Template("""{"a": "${trialParameters.meta}"}""", new TrialParameter("meta", reference));

        var rendered = template.Render("trial-1", "team", Assign());

        Assert.Empty(TrialTemplateCheck.Check(template, []));
        Assert.Equal(expected, rendered["spec"]!["a"]!.GetValue<string>());
    }

    [Fact]
    public void An_indexed_meta_reference_does_not_leak_into_the_next()
    {
        var template = Template(
            """{"a": "${trialParameters.label} ${trialParameters.name}"}""",
            new("label", "${trialSpec.Labels[number]}"),
            new("name", "${trialSpec.Name}"));

        Assert.Equal("5 trial-1", template.Render("trial-1", "team", Assign())["spec"]!["a"]!.GetValue<string>());
    }

    [Fact]
    public void The_object_is_named_after_the_trial_and_the_template_stays_as_it_was()
    {
        var template = Template("""{"a": "${trialParameters.lr}"}""", new TrialParameter("lr", "lr"));
        var before = template.RunObject.ToJsonString();

        var rendered = template.Render("trial-1", "team", Assign(("lr", "1")));

        Assert.Equal("trial-1", rendered["metadata"]!["name"]!.GetValue<string>());
        Assert.Equal("team", rendered["metadata"]!["namespace"]!.GetValue<string>());
        Assert.Equal("mnist", rendered["metadata"]!["labels"]!["example.com/app"]!.GetValue<string>());
        Assert.Equal(before, template.RunObject.ToJsonString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"metadata": null}""")]
    public void A_template_without_metadata_gets_it(string runObject)
    {
        var template = new TrialTemplate(JsonNode.Parse(runObject)!.AsObject(), [], "main", Retain: false);

        Assert.Equal("trial-1", template.Render("trial-1", "team", Assign())["metadata"]!["name"]!.GetValue<string>());
    }

    [Fact]
    public void A_missing_or_superfluous_assignment_is_named()
    {
        var template = Template("""{"a": "${trialParameters.lr}"}""", new TrialParameter("lr", "lr"));

        var missing = Assert.Throws<ArgumentException>(() => template.Render("trial-1", "team", Assign()));
        var extra = Assert.Throws<ArgumentException>(() => template.Render("trial-1", "team", Assign(("lr", "1"), ("x", "2"))));

        Assert.Contains("no value for 'lr'", missing.Message, StringComparison.Ordinal);
        Assert.Contains("a value for 'x'", extra.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_fits_has_no_problems()
    {
        var template = Template(
            """{"a": "${trialParameters.lr} ${trialParameters.n} ${trialParameters.name} ${HOME} ${trialSpec.Name}"}""",
            new("lr", "lr"),
            new("n", "layers"),
            new("name", "${trialSpec.Name}"));

        Assert.Empty(TrialTemplateCheck.Check(template, SearchParameters));
    }

    [Fact]
    public void Without_search_parameters_any_reference_will_do()
    {
        var template = Template("""{"a": "${trialParameters.x}"}""", new TrialParameter("x", "wrong-ref"));

        Assert.Empty(TrialTemplateCheck.Check(template, []));
    }

    public static TheoryData<string, TrialParameter[], string, string, string> Mistakes => new()
    {
        { "", [], "trialTemplate.trialParameters", "", "no trialParameters" },
        { "", [new("", "lr")], "trialTemplate.trialParameters[0].name", "", "needs a name" },
        { "", [new("a{b", "lr")], "trialTemplate.trialParameters[0].name", "a{b", "must not contain" },
        { "${trialParameters.a}", [new("a", "")], "trialTemplate.trialParameters[0].reference", "", "needs a reference" },
        { "${trialParameters.a}", [new("a", "lr"), new("a", "layers")], "trialTemplate.trialParameters[1].name", "a", "has this name already" },
        {
            "${trialParameters.a}${trialParameters.b}",
            [new("a", "lr"), new("b", "lr"), new("c", "layers")],
            "trialTemplate.trialParameters[1].reference",
            "lr",
            "refers to this already"
        },
        {
            "${trialParameters.a}",
            [new("a", "layer")],
            "trialTemplate.trialParameters[0].reference",
            "layer",
            "There is no search parameter of this name; did you mean 'layers'? Refer to"
        },
        {
            "${trialParameters.a}",
            [new("a", "optimizer")],
            "trialTemplate.trialParameters[0].reference",
            "optimizer",
            "There is no search parameter of this name. Refer to"
        },
        {
            "${trialParameters.a}",
            [new("a", "${trialSpec.name}")],
            "trialTemplate.trialParameters[0].reference",
            "${trialSpec.name}",
            "There is no such meta key; did you mean 'Name'?"
        },
        {
            "${trialParameters.a}",
            [new("a", "${trialSpec.Labels}")],
            "trialTemplate.trialParameters[0].reference",
            "${trialSpec.Labels}",
            "Annotations[key] and Labels[key]"
        },
        {
            "${trialParameters.a}",
            [new("a", "${trialSpec.Labels[gone]}")],
            "trialTemplate.trialParameters[0].reference",
            "${trialSpec.Labels[gone]}",
            "The template does not say this"
        },
        {
            "${trialParameters.a}",
            [new("a", "${trialSpec.Annotations[gone]}")],
            "trialTemplate.trialParameters[0].reference",
            "${trialSpec.Annotations[gone]}",
            "The template does not say this"
        },
        { "", [new("a", "lr")], "trialTemplate.trialParameters[0].name", "a", "never uses it: put ${trialParameters.a}" },
        {
            "${trialParameters.momentun}",
            [new("momentum", "lr")],
            "trialTemplate.trialSpec.spec.args[1]",
            "${trialParameters.momentun}",
            "did you mean 'momentum'?"
        },
        { "${trialParameters.a ", [new("a", "lr")], "trialTemplate.trialSpec.spec.args[1]", "", "has no '}'" },
        { "${trialParameters.a}", [new("a", "lr")], "trialTemplate.trialParameters", "layers", "would never see its value" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Each_mistake_is_told_with_place_value_and_remedy(
        string argument, TrialParameter[] parameters, string field, string value, string message)
    {
        var template = Template(new JsonObject { ["args"] = new JsonArray("run", argument) }.ToJsonString(), [.. parameters]);

        var problems = TrialTemplateCheck.Check(template, SearchParameters);

        Assert.Contains(problems, problem => problem.Field == field && problem.Value == value
            && problem.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_or_namespace_in_the_template_is_a_problem_each()
    {
        var runObject = JsonNode.Parse("""{"metadata": {"name": "x", "namespace": "y"}, "spec": "${trialParameters.lr}"}""")!.AsObject();

        var problems = TrialTemplateCheck.Check(new(runObject, [new("lr", "lr")], "main", Retain: false), ["lr"]);

        Assert.Equal(
            [("trialTemplate.trialSpec.metadata.name", "x"), ("trialTemplate.trialSpec.metadata.namespace", "y")],
            problems.Select(static problem => (problem.Field, problem.Value)));
        Assert.All(problems, static problem =>
            Assert.Equal("metadata.name and metadata.namespace in spec.trialTemplate must be omitted", problem.KatibMessage));
    }

    [Fact]
    public void A_placeholder_in_a_key_is_a_problem_for_it_would_stay()
    {
        var template = Template("""{"env": {"${trialParameters.lr}": "x"}}""", new TrialParameter("lr", "lr"));

        var problem = Assert.Single(TrialTemplateCheck.Check(template, ["lr"]));

        Assert.Equal(("trialTemplate.trialSpec.spec.env", "${trialParameters.lr}"), (problem.Field, problem.Value));
    }

    [Fact]
    public void One_slip_is_one_problem()
    {
        var misspeltReference = Template("""{"a": "${trialParameters.lr}"}""", new TrialParameter("lr", "Lr"));
        var misspeltPlaceholder = Template("""{"a": "${trialParameters.layer}"}""", new TrialParameter("layers", "layers"));

        Assert.Equal("trialTemplate.trialParameters[0].reference", Assert.Single(TrialTemplateCheck.Check(misspeltReference, ["lr"])).Field);
        Assert.Equal("trialTemplate.trialSpec.spec.a", Assert.Single(TrialTemplateCheck.Check(misspeltPlaceholder, ["layers"])).Field);
    }

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var template = Template(
            """{"a": "${trialParameters.gone}", "b": "${trialParameters.}"}""",
            new("", "nowhere"),
            new("unused", "${trialSpec.Foo}"),
            new("unused", "elsewhere"));

        var fields = TrialTemplateCheck.Check(template, SearchParameters).Select(static problem => problem.Field).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(
            [
                "trialTemplate.trialParameters",
                "trialTemplate.trialParameters[0].name",
                "trialTemplate.trialParameters[0].reference",
                "trialTemplate.trialParameters[1].name",
                "trialTemplate.trialParameters[1].reference",
                "trialTemplate.trialParameters[2].name",
                "trialTemplate.trialParameters[2].reference",
                "trialTemplate.trialSpec.spec.a",
            ],
            fields);
    }

    private static TrialTemplate Template(string spec, params ImmutableArray<TrialParameter> parameters)
    {
        var runObject = JsonNode.Parse("""
            {
              "apiVersion": "batch/v1",
              "kind": "Job",
              "metadata": {
                "annotations": { "note": "say \"hi\"" },
                "labels": { "example.com/app": "mnist", "number": 5 }
              }
            }
            """)!.AsObject();
        runObject["spec"] = JsonNode.Parse(spec);
        return new(runObject, parameters, "main", Retain: false);
    }

    private static Dictionary<string, string> Assign(params (string Name, string Value)[] assignments) =>
        assignments.ToDictionary(static a => a.Name, static a => a.Value);
}
