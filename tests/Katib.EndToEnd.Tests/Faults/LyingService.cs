using System.Buffers.Binary;
using System.Net;
using Api.V1.Beta1;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>A service whose replies are the test's to make up, down to their bytes.</summary>
internal sealed class LyingService : IAsyncDisposable
{
    private readonly int _port = Workplace.FreePort();
    private WebApplication? _app;
    private int _next;

    public string Address => $"http://127.0.0.1:{_port}";

    /// <summary>Makes the message of a reply; the honest one is the x that comes next.</summary>
    public Func<GetSuggestionsRequest, Task<byte[]>> Answer { get; set; } = static _ => throw new InvalidOperationException("There is no answer.");

    public Task<byte[]> Honest(GetSuggestionsRequest request) => Task.FromResult(Reply(request.CurrentRequestNumber, () => $"{_next++ % 10}"));

    public static byte[] Reply(int count, Func<string> x, string name = "x")
    {
        var reply = new GetSuggestionsReply();
        for (var i = 0; i < count; i++)
        {
            reply.ParameterAssignments.Add(new GetSuggestionsReply.Types.ParameterAssignments
            {
                Assignments = { new ParameterAssignment { Name = name, Value = x() }, new ParameterAssignment { Name = "k", Value = "1" } },
            });
        }

        return reply.ToByteArray();
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        _ = builder.WebHost.UseKestrelCore().ConfigureKestrel(
            options => options.Listen(IPAddress.Loopback, _port, static l => l.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(ServeAsync);
        await _app.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            using var now = new CancellationTokenSource(TimeSpan.Zero);
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>One message in and one out, each with five bytes in front; validation is not implemented.</summary>
    private async Task ServeAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        if (!context.Request.Path.Value!.EndsWith("/GetSuggestions", StringComparison.Ordinal))
        {
            context.Response.Headers["grpc-status"] = "12";
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var message = await Answer(GetSuggestionsRequest.Parser.ParseFrom(body.ToArray().AsSpan(5)));
        var head = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(1), message.Length);
        await context.Response.Body.WriteAsync(head, context.RequestAborted);
        await context.Response.Body.WriteAsync(message, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
