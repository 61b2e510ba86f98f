using System.Collections.Immutable;
using System.Globalization;
using Grpc.Core;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Pushing;

/// <summary>Katib's DBManager contract, so that whatever reports to Katib reports to us.</summary>
internal sealed class ObservationService(PushDesk desk) : Wire.DBManager.DBManagerBase
{
    /// <inheritdoc/>
    public override async Task<Wire.ReportObservationLogReply> ReportObservationLog(
        Wire.ReportObservationLogRequest request, ServerCallContext context)
    {
        var logs = request.ObservationLog?.MetricLogs ?? [];
        ImmutableArray<MetricPoint> points = [.. logs.Select(static (log, i) => PointOf(log, i))];
        _ = await CallAsync(() => desk.ReportAsync(TokenOf(context), request.TrialName, points, context.CancellationToken));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.GetObservationLogReply> GetObservationLog(
        Wire.GetObservationLogRequest request, ServerCallContext context)
    {
        var points = await CallAsync(() => desk.ReadAsync(
            TokenOf(context),
            request.TrialName,
            request.MetricName is { Length: > 0 } metric ? metric : null,
            BoundOf("start_time", request.StartTime),
            BoundOf("end_time", request.EndTime),
            context.CancellationToken));
        var log = new Wire.ObservationLog();
        log.MetricLogs.Add(points.Select(static point => new Wire.MetricLog
        {
            TimeStamp = Rfc3339.Format(point.Time ?? DateTimeOffset.MinValue),
            Metric = new() { Name = point.Metric, Value = point.Value },
        }));
        return new() { ObservationLog = log };
    }

    /// <inheritdoc/>
    public override async Task<Wire.DeleteObservationLogReply> DeleteObservationLog(
        Wire.DeleteObservationLogRequest request, ServerCallContext context)
    {
        _ = await CallAsync(async () =>
        {
            await desk.DeleteAsync(TokenOf(context), request.TrialName, context.CancellationToken);
            return true;
        });
        return new();
    }

    private static async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (PushException refused)
        {
            throw new RpcException(new(
                refused.Refusal switch
                {
                    PushRefusal.NoToken => StatusCode.Unauthenticated,
                    PushRefusal.WrongToken => StatusCode.PermissionDenied,
                    PushRefusal.NotFound => StatusCode.NotFound,
                    PushRefusal.NotNow => StatusCode.FailedPrecondition,
                    PushRefusal.Invalid => StatusCode.InvalidArgument,
                    _ => StatusCode.Unavailable,
                },
                refused.Message));
        }
        catch (StoreException broken)
        {
            throw new RpcException(new(broken.IsTemporary ? StatusCode.Unavailable : StatusCode.FailedPrecondition, broken.Message));
        }
    }

    private static string? TokenOf(ServerCallContext context) => PushToken.OfHeader(context.RequestHeaders.GetValue("authorization"));

    /// <summary>Katib's zero time stands for a value that bears none.</summary>
    private static MetricPoint PointOf(Wire.MetricLog log, int index)
    {
        var (name, value) = (log.Metric?.Name ?? "", log.Metric?.Value ?? "");
        if (name.Length is 0 or > PushForm.MaxNameLength || value.Length > PushForm.MaxValueLength)
        {
            throw Invalid(
                $"metric_logs[{index}] has a name of {name.Length} and a value of {value.Length} characters; "
                + $"a name must have between 1 and {PushForm.MaxNameLength}, a value at most {PushForm.MaxValueLength}.");
        }

        var time = BoundOf(string.Create(CultureInfo.InvariantCulture, $"metric_logs[{index}].time_stamp"), log.TimeStamp);
        return new(name, value, time == DateTimeOffset.MinValue ? null : time);
    }

    private static DateTimeOffset? BoundOf(string field, string text) =>
        text.Length is 0 ? null
        : Rfc3339.TryParse(text, out var time) ? time
        : throw Invalid($"{field} is '{MetricsFindings.Excerpt(text)}'; it must be a time such as 2026-01-31T12:00:00Z.");

    private static RpcException Invalid(string message) => new(new(StatusCode.InvalidArgument, message));
}
