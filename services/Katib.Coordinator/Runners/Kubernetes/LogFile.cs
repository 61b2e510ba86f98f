using System.Globalization;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>A copy of a log that outlives the pod; it grows by whole lines, across lives of the coordinator.</summary>
internal sealed class LogFile
{
    private readonly AttemptFolder _folder;
    private readonly string _path;
    private readonly string _mark;
    private long _length;

    /// <summary>Takes up an attempt's copy of what its program prints; what was written and not marked any more is copied again.</summary>
    public LogFile(AttemptFolder folder)
    {
        (_folder, _path, _mark) = (folder, folder.OutputLog, MarkOf(folder));
        if (folder.Read(_mark)?.Split(' ') is [var length, var time, var count])
        {
            _length = long.Parse(length, CultureInfo.InvariantCulture);
            Last = new(time, int.Parse(count, CultureInfo.InvariantCulture));
        }

        if (File.Exists(_path))
        {
            // Somebody may be reading it.
            using var copy = File.OpenHandle(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.SetLength(copy, Math.Min(RandomAccess.GetLength(copy), _length));
        }
    }

    /// <summary>How far the copy had come.</summary>
    public LogPlace Last { get; } = LogPlace.Beginning;

    /// <summary>The next copy begins at the log's beginning.</summary>
    public static void Forget(AttemptFolder folder) => File.Delete(folder.FileOf(MarkOf(folder)));

    /// <inheritdoc cref="TakeLines"/>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> lines, LogPlace last, CancellationToken cancellationToken)
    {
        await using (var file = new FileStream(
            _path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0))
        {
            await file.WriteAsync(lines, cancellationToken);
            _length = file.Length;
        }

        _folder.Write(_mark, string.Create(CultureInfo.InvariantCulture, $"{_length} {last.Time} {last.Count}"));
    }

    private static string MarkOf(AttemptFolder folder) => $".{Path.GetFileName(folder.OutputLog)}.mark";
}
