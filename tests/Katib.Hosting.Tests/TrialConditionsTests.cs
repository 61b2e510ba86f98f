using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Katib.Hosting.Tests;

/// <summary>Trials are marked through a Kubernetes API of the test's, behind TLS and a token.</summary>
[Collection(nameof(TrialConditionsTests))]
public sealed class TrialConditionsTests : IAsyncLifetime
{
    private readonly string _account = Directory.CreateTempSubdirectory("katib-account-").FullName;
    private readonly Authority _authority = new("cluster");
    private readonly List<string> _writes = [];
    private WebApplication? _api;
    private JsonObject _trial = new() { ["metadata"] = new JsonObject { ["name"] = "t-1" } };
    private int _conflicts;
    private int? _refusal;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        var (certificate, key) = _authority.Issue("127.0.0.1");
        using var pem = X509Certificate2.CreateFromPem(certificate, key);
        var kept = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(kept)));
        _api = builder.Build();
        const string Path = "/apis/kubeflow.org/v1beta1/namespaces/team/trials/t-1";
        _api.MapGet(Path, (HttpContext context) => Answer(context, () => Results.Content(_trial.ToJsonString(), "application/json")));
        _api.MapPut($"{Path}/status", async (HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            return Answer(context, () =>
            {
                if (_conflicts-- > 0)
                {
                    return Results.StatusCode(StatusCodes.Status409Conflict);
                }

                _writes.Add(body);
                _trial = JsonNode.Parse(body)!.AsObject();
                return Results.Ok();
            });
        });
        await _api.StartAsync(Token);
        await File.WriteAllTextAsync(System.IO.Path.Combine(_account, "token"), "first\n", Token);
        await File.WriteAllTextAsync(System.IO.Path.Combine(_account, "namespace"), "team", Token);
        await File.WriteAllTextAsync(System.IO.Path.Combine(_account, "ca.crt"), _authority.Pem, Token);
        var address = new Uri(_api.Urls.Single());
        Environment.SetEnvironmentVariable("KUBERNETES_SERVICE_HOST", address.Host);
        Environment.SetEnvironmentVariable("KUBERNETES_SERVICE_PORT", $"{address.Port}");
    }

    public async ValueTask DisposeAsync()
    {
        Environment.SetEnvironmentVariable("KUBERNETES_SERVICE_HOST", null);
        Environment.SetEnvironmentVariable("KUBERNETES_SERVICE_PORT", null);
        await _api!.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_account, recursive: true);
    }

    [Fact]
    public async Task Katibs_condition_is_added_once()
    {
        _trial["status"] = new JsonObject { ["conditions"] = new JsonArray(Condition("Created"), Condition("Running")) };
        _conflicts = 3;

        await MarkAsync();
        await MarkAsync();

        var conditions = JsonNode.Parse(Assert.Single(_writes))!["status"]!["conditions"]!.AsArray();
        Assert.Equal(["Created", "Running", "EarlyStopped"], conditions.Select(static c => (string)c!["type"]!));
        Assert.Equal(("True", "TrialEarlyStopped", "Trial is early stopped"), (
            (string?)conditions[2]!["status"], (string?)conditions[2]!["reason"], (string?)conditions[2]!["message"]));
        Assert.Matches("^[0-9T:-]{19}Z$", (string)conditions[2]!["lastTransitionTime"]!);
    }

    [Fact]
    public async Task A_trial_without_status_is_marked_and_one_that_has_ended_is_not()
    {
        await MarkAsync();
        _ = Assert.Single(_writes);
        _trial["status"] = new JsonObject { ["conditions"] = new JsonArray(Condition("Succeeded")) };

        await MarkAsync();

        _ = Assert.Single(_writes);
    }

    [Theory]
    [InlineData(403, StatusCode.PermissionDenied, "must be allowed to get trials and to update trials/status")]
    [InlineData(404, StatusCode.NotFound, "'get trials' of 't-1' in 'team'")]
    [InlineData(500, StatusCode.Unavailable, "Kubernetes answers 500")]
    public async Task What_the_api_refuses_is_no_success(int answer, StatusCode code, string words)
    {
        _refusal = answer;

        var refused = await Assert.ThrowsAsync<RpcException>(MarkAsync);

        Assert.Equal(code, refused.StatusCode);
        Assert.Contains(words, refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_that_never_holds_still_is_given_up_with_a_word()
    {
        _conflicts = int.MaxValue;

        Assert.Equal(StatusCode.Aborted, (await Assert.ThrowsAsync<RpcException>(MarkAsync)).StatusCode);
    }

    private static JsonObject Condition(string type) => new() { ["type"] = type, ["status"] = "True" };

    private IResult Answer(HttpContext context, Func<IResult> answer) =>
        context.Request.Headers.Authorization != "Bearer first" ? Results.StatusCode(StatusCodes.Status401Unauthorized)
        : _refusal is { } refusal ? Results.StatusCode(refusal)
        : answer();

    private Task MarkAsync() => new TrialConditions(TimeProvider.System) { Account = _account }.StopEarlyAsync("t-1", Token);
}
