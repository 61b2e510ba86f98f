using Katib.Coordinator.Experiments;
using Katib.Coordinator.Host;
using Microsoft.Extensions.Configuration;

namespace Katib.Coordinator.Tests.Host;

public sealed class CoordinatorOptionsTests
{
    [Theory]
    [InlineData("", "", "needs a token")]
    [InlineData("a-token-of-some-length", "token", "needs a token")]
    [InlineData("short", "", "at least 16 characters")]
    public void Listening_wants_one_good_token(string token, string file, string problem)
    {
        var options = new CoordinatorOptions { Listen = "http://127.0.0.1:0", Token = token, TokenFile = file };
        options.Endpoints.Add("random", new("http://random:6789"));

        var failures = new CoordinatorOptions.Rules().Validate(null, options).Failures;

        Assert.Contains(problem, Assert.Single(failures!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RunnerKind.Kubernetes, "", 1)]
    [InlineData(RunnerKind.Kubernetes, "tuner.lab", 0)]
    [InlineData(RunnerKind.Docker, "", 0)]
    public void Pods_are_to_know_where_they_push_to(RunnerKind runner, string host, int failures)
    {
        var options = new CoordinatorOptions { Listen = "http://127.0.0.1:0", Token = "a-token-of-some-length", Runner = runner };
        options.Push.Host = host;
        options.Endpoints.Add("random", new("http://random:6789"));

        var said = new CoordinatorOptions.Rules().Validate(null, options).Failures ?? [];

        Assert.Equal(failures, said.Count(static f => f.Contains("needs Coordinator:Push:Host", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("127.0.0.1:8080")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("http://127.0.0.1:8080/katib")]
    public void Only_a_bare_address_can_be_listened_on(string listen)
    {
        var options = new CoordinatorOptions { Listen = listen, Token = "a-token-of-some-length" };
        options.Endpoints.Add("random", new("http://random:6789"));

        var failures = new CoordinatorOptions.Rules().Validate(null, options).Failures;

        Assert.Contains($"'{listen}' must be an address", Assert.Single(failures!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://katib:secret@/katib", "must be a URL such as postgres://USER@HOST:5432/DATABASE")]
    [InlineData("postgres://katib:secret@server", "must be a URL")]
    [InlineData("postgresql://katib:secret@server/katib?sslmod=require", "'sslmod'")]
    [InlineData("postgres://katib:secret@server/katib?sslmode=perhaps", "'sslmode'")]
    [InlineData("mysql://katib:secret@server", "must be a URL such as mysql://USER@HOST:3306/DATABASE")]
    [InlineData("mariadb://katib:secret@server/katib?sslmod=required", "'sslmod' behind the question mark, which MySqlConnector")]
    [InlineData("mysql://katib:secret@server/katib?sslmode=perhaps", "'sslmode'")]
    public void A_wrong_database_is_refused_without_its_password(string store, string problem)
    {
        var options = new CoordinatorOptions { Listen = "http://127.0.0.1:0", Token = "a-token-of-some-length", Store = store };
        options.Endpoints.Add("random", new("http://random:6789"));

        var failure = Assert.Single(new CoordinatorOptions.Rules().Validate(null, options).Failures!);

        Assert.Contains("Coordinator:Store", failure, StringComparison.Ordinal);
        Assert.Contains(problem, failure, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Coordinator:Listen", "http://0.0.0.0:8080", "http://127.0.0.1:8080/healthz")]
    [InlineData("Coordinator:Listen", "https://[::]:8443", "https://127.0.0.1:8443/healthz")]
    [InlineData("Coordinator:Listen", "http://10.1.2.3:8080", "http://10.1.2.3:8080/healthz")]
    [InlineData("urls", "http://*:8081;http://*:8082", "http://127.0.0.1:8081/healthz")]
    [InlineData("http_ports", "8083", "http://127.0.0.1:8083/healthz")]
    [InlineData("other", "", "http://127.0.0.1:5000/healthz")]
    public void The_probe_asks_where_the_coordinator_listens(string setting, string value, string address)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(setting, value)]).Build();

        Assert.Equal(address, HealthProbe.AddressOf(configuration).AbsoluteUri);
    }
}
