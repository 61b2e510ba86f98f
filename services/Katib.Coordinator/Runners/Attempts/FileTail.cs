using Microsoft.Win32.SafeHandles;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Reads a file's lines as it grows, from its beginning; starts over when it was truncated.</summary>
internal sealed class FileTail(string path)
{
    private const int ChunkSize = 64 * 1024;

    private readonly LineSplitter _splitter = new(LineSplitter.DefaultLimit);
    private long _position;

    /// <summary>The whole lines since the last call, in portions of bounded size; none without a file.</summary>
    public IEnumerable<List<string>> ReadNew()
    {
        using var file = TryOpen();
        if (file is null)
        {
            yield break;
        }

        if (RandomAccess.GetLength(file) < _position)
        {
            StartOver();
        }

        var chunk = new byte[Math.Clamp(RandomAccess.GetLength(file) - _position, 1, ChunkSize)];
        while (RandomAccess.Read(file, chunk, _position) is var read && read > 0)
        {
            _position += read;
            var lines = new List<string>();
            _splitter.Split(chunk.AsSpan(0, read), lines);
            yield return lines;
        }
    }

    /// <summary>The last lines, of a file to which nothing more is written: its end ends a line.</summary>
    public IEnumerable<List<string>> ReadToEnd()
    {
        foreach (var lines in ReadNew())
        {
            yield return lines;
        }

        var last = new List<string>();
        _splitter.Finish(last);
        yield return last;
    }

    private void StartOver()
    {
        _position = 0;
        _splitter.Drop();
    }

    private SafeFileHandle? TryOpen()
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > 0)
            {
                return File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            }

            // Missing, emptied, or a pipe: opening a pipe would wait for its writer.
            StartOver();
            return null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
