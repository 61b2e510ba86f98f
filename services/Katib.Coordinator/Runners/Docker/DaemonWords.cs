using System.Text.Json;
using System.Text.Json.Nodes;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>What the daemon has said, without what is around it.</summary>
internal static class DaemonWords
{
    public static string Of(Exception failure)
    {
        if (failure is not DockerApiException { ResponseBody: { } body })
        {
            return failure.GetBaseException().Message;
        }

        try
        {
            return JsonNode.Parse(body)?["message"]?.GetValue<string>().Trim() ?? body;
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException)
        {
            return body.Length > 0 ? body.Trim() : failure.Message;
        }
    }
}
