using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>What running trials takes of the rights in a namespace.</summary>
internal static class ClusterRights
{
    private static readonly ImmutableArray<string> ToFollow = ["list", "watch"];
    private static readonly ImmutableArray<string> ToOwn = ["get", "list", "watch", "create", "delete"];

    /// <summary>The rights that we have not, as problems of the namespace.</summary>
    public static async Task<ImmutableArray<Problem>> MissingAsync(
        ClusterApi api, string @namespace, ObjectKind kind, CancellationToken cancellationToken)
    {
        (string Group, string Resource, string Subresource, string Verb)[] needed =
        [
            .. ToOwn.Select(verb => (kind.Group, kind.Plural, "", verb)),
            .. ToFollow.Select(static verb => ("", "pods", "", verb)),
            ("", "pods", "log", "get"),
            .. ToFollow.Select(static verb => ("", "events", "", verb)),
        ];
        var answers = await Task.WhenAll(needed.Select(async right =>
        {
            var review = await api.CreateAsync(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                new()
                {
                    ["apiVersion"] = "authorization.k8s.io/v1",
                    ["kind"] = "SelfSubjectAccessReview",
                    ["spec"] = new JsonObject
                    {
                        ["resourceAttributes"] = new JsonObject
                        {
                            ["namespace"] = @namespace,
                            ["group"] = right.Group,
                            ["resource"] = right.Resource,
                            ["subresource"] = right.Subresource,
                            ["verb"] = right.Verb,
                        },
                    },
                },
                cancellationToken);
            return (Right: right, IsGiven: (bool?)review["status"]?["allowed"] is true);
        }));
        string[] missing =
        [
            .. answers.Where(static a => !a.IsGiven).Select(static a =>
                $"{a.Right.Verb} {a.Right.Resource}{(a.Right.Subresource.Length > 0 ? $"/{a.Right.Subresource}" : "")}"),
        ];
        return missing.Length is 0
            ? []
            :
            [
                new(
                    "metadata.namespace",
                    @namespace,
                    $"You may not {string.Join(", ", missing)} in this namespace: ask its administrator for these rights, or choose another one."),
            ];
    }
}
