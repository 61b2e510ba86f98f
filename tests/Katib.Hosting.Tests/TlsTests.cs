using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Katib.Algorithms.Random;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-tls-").FullName;
    private readonly Authority _authority = new("authority");
    private readonly Authority _foreign = new("foreign");
    private readonly Clock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TlsFiles Plain => new(PathOf("tls.crt"), PathOf("tls.key"), ClientAuthority: null);

    private TlsFiles Mutual => Plain with { ClientAuthority = PathOf("ca.crt") };

    public void Dispose()
    {
        _authority.Dispose();
        _foreign.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task With_a_certificate_it_speaks_TLS_and_nothing_else()
    {
        Write(_authority.Issue("service"));
        await using var service = await StartAsync(Plain);

        var trusting = await AskAsync(service, _authority);
        var mistrusting = await AskAsync(service, _foreign);
        using var plaintext = GrpcChannel.ForAddress(AddressOf(service).ToString().Replace("https", "http", StringComparison.Ordinal));

        Assert.Equal(StatusCode.OK, trusting);
        Assert.NotEqual(StatusCode.OK, mistrusting);
        Assert.NotEqual(StatusCode.OK, await AskAsync(plaintext));
    }

    [Fact]
    public async Task With_an_authority_for_callers_it_answers_only_to_those_with_a_certificate_of_it()
    {
        Write(_authority.Issue("service"));
        await using var service = await StartAsync(Mutual);

        var known = await AskAsync(service, _authority, _authority.Issue("caller"));
        var unknown = await AskAsync(service, _authority);
        var foreign = await AskAsync(service, _authority, _foreign.Issue("caller"));

        Assert.Equal(StatusCode.OK, known);
        Assert.NotEqual(StatusCode.OK, unknown);
        Assert.NotEqual(StatusCode.OK, foreign);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_probe_with_the_files_of_the_service_is_answered_and_trusts_no_other(bool mutual)
    {
        Write(_authority.Issue("service"));
        var files = mutual ? Mutual : Plain;
        await using var service = await StartAsync(files);
        var own = files.Parse(files.ReadContent());
        Write(_authority.Issue("other"));
        var other = files.Parse(files.ReadContent());

        Assert.True(await Probe.IsServingAsync(AddressOf(service).Port, "api.v1.beta1.Suggestion", own));
        Assert.False(await Probe.IsServingAsync(AddressOf(service).Port, "api.v1.beta1.Suggestion", tls: null));
        Write(_foreign.Issue("foreign"));
        Assert.False(await Probe.IsServingAsync(AddressOf(service).Port, "api.v1.beta1.Suggestion", other));
    }

    [Fact]
    public async Task Changed_files_are_used_for_the_next_connection_and_broken_ones_never()
    {
        Write(_authority.Issue("service"));
        await using var service = await StartAsync(Plain);
        var before = await AskAsync(service, _authority);

        await File.WriteAllTextAsync(PathOf("tls.key"), "half a ke", Token);
        _clock.Advance(TimeSpan.FromSeconds(2));
        var meanwhile = await AskAsync(service, _authority);
        Write(_foreign.Issue("service"));
        _clock.Advance(TimeSpan.FromSeconds(2));
        var after = await AskAsync(service, _foreign);

        Assert.Equal((StatusCode.OK, StatusCode.OK, StatusCode.OK), (before, meanwhile, after));
        Assert.NotEqual(StatusCode.OK, await AskAsync(service, _authority));
    }

    [Fact]
    public void What_is_wrong_with_the_files_is_said_in_words()
    {
        var (certificate, key) = _authority.Issue("service");
        var (_, otherKey) = _authority.Issue("service");

        Assert.Equal(
            $"TLS_CERT_FILE '{PathOf("tls.crt")}' cannot be read. Could not find file '{PathOf("tls.crt")}'.", Problem());
        Write((certificate, otherKey));
        Assert.StartsWith($"TLS_KEY_FILE '{PathOf("tls.key")}' holds no private key", Problem(), StringComparison.Ordinal);
        Write((certificate, ""));
        Assert.StartsWith($"TLS_KEY_FILE '{PathOf("tls.key")}' holds no private key", Problem(), StringComparison.Ordinal);
        Write(("certificate", key));
        Assert.Equal($"TLS_CERT_FILE '{PathOf("tls.crt")}' holds no certificate; it must be PEM.", Problem());
        Write((certificate.Replace("MII", "AAA", StringComparison.Ordinal), key));
        Assert.StartsWith($"TLS_CERT_FILE '{PathOf("tls.crt")}' holds", Problem(), StringComparison.Ordinal);
        Write((certificate, key));
        File.WriteAllText(PathOf("ca.crt"), "");
        Assert.Equal($"TLS_CLIENT_CA_FILE '{PathOf("ca.crt")}' holds no certificate; it must be PEM.", Problem());

        string Problem() => Assert.Throws<InvalidTlsException>(() => Mutual.Parse(Mutual.ReadContent())).Message;
    }

    private static Uri AddressOf(WebApplication service) => new(service.Urls.Single());

    private async Task<WebApplication> StartAsync(TlsFiles files)
    {
        var service = SuggestionHost.Build(
            "random",
            new RandomSearch(),
            new(IPAddress.Loopback, 0),
            new(),
            new(files, _clock),
            static logging => logging.ClearProviders());
        await service.StartAsync(Token);
        return service;
    }

    private static async Task<StatusCode> AskAsync(
        WebApplication service, Authority trusted, (string Certificate, string Key)? own = null)
    {
        using var channel = GrpcChannel.ForAddress(
            AddressOf(service), new() { HttpHandler = trusted.Client(own), DisposeHttpClient = true });
        return await AskAsync(channel);
    }

    private static async Task<StatusCode> AskAsync(GrpcChannel channel)
    {
        try
        {
            _ = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(
                Ask(Experiment("random", Real("a", "0", "1")), 1), cancellationToken: Token);
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private void Write((string Certificate, string Key) issued)
    {
        File.WriteAllText(PathOf("tls.crt"), issued.Certificate);
        File.WriteAllText(PathOf("tls.key"), issued.Key);
        File.WriteAllText(PathOf("ca.crt"), _authority.Pem);
    }

    /// <summary>A clock that stands still until it is told to go on.</summary>
    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);

        public void Advance(TimeSpan by) => _ = Interlocked.Add(ref _ticks, by.Ticks);
    }
}
