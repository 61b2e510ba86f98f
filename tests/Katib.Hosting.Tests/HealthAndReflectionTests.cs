using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Katib.Algorithms.Random;

namespace Katib.Hosting.Tests;

public sealed class HealthAndReflectionTests : IAsyncLifetime
{
    private KestrelReplica? _service;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _service = await KestrelReplica.StartAsync("random", new RandomSearch(), Token);

    public ValueTask DisposeAsync() => _service!.DisposeAsync();

    [Theory]
    [InlineData("manager.v1beta1.Suggestion")]
    [InlineData("api.v1.beta1.Suggestion")]
    [InlineData("")]
    public async Task It_serves_under_every_name_that_is_asked_for(string name)
    {
        var health = new Health.HealthClient(_service!.Channel);

        var reply = await health.CheckAsync(new() { Service = name }, cancellationToken: Token);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, reply.Status);
    }

    [Theory]
    [InlineData("manager.v1beta1.EarlyStopping")]
    [InlineData("unknown")]
    public async Task Another_name_is_not_found(string name)
    {
        var health = new Health.HealthClient(_service!.Channel);

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await health.CheckAsync(new() { Service = name }, cancellationToken: Token));

        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task Reflection_lists_the_services_and_describes_the_contract()
    {
        var reflection = new ServerReflection.ServerReflectionClient(_service!.Channel);
        using var call = reflection.ServerReflectionInfo(cancellationToken: Token);

        await call.RequestStream.WriteAsync(new() { ListServices = "" }, Token);
        _ = await call.ResponseStream.MoveNext(Token);
        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(static s => s.Name).ToArray();
        await call.RequestStream.WriteAsync(new() { FileContainingSymbol = "api.v1.beta1.Suggestion" }, Token);
        _ = await call.ResponseStream.MoveNext(Token);
        var files = call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto;

        Assert.Contains("api.v1.beta1.Suggestion", services);
        Assert.Contains("grpc.health.v1.Health", services);
        Assert.NotEmpty(files);
    }
}
