using System.Net.Security;
using Microsoft.Extensions.Logging;

namespace Katib.Hosting;

/// <summary>A service's certificates, read again when their files have changed.</summary>
/// <remarks>
/// By content: the files of a mounted Secret are links, whose times do not change with what they point to. While new files
/// are unreadable, as in the middle of being replaced, the old certificates go on.
/// </remarks>
internal sealed partial class RotatingTls(TlsFiles files, TimeProvider time)
{
    /// <summary>How old a look at the files may be.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private TlsContent _content = files.ReadContent();
    private TlsCertificates _certificates = files.Parse(files.ReadContent());
    private long _looked = time.GetTimestamp();

    /// <summary>How a connection that is made now is greeted.</summary>
    public SslServerAuthenticationOptions Server(ILogger log)
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_looked) >= Age)
            {
                _looked = time.GetTimestamp();
                Look(log);
            }

            return _certificates.Server;
        }
    }

    private void Look(ILogger log)
    {
        try
        {
            var content = files.ReadContent();
            if (content != _content)
            {
                _certificates = files.Parse(content);
                _content = content;
                Log.Changed(log);
            }
        }
        catch (InvalidTlsException invalid)
        {
            Log.Kept(log, invalid.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "The certificates have changed and are in use")]
        public static partial void Changed(ILogger logger);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The certificates before stay in use: {Reason}")]
        public static partial void Kept(ILogger logger, string reason);
    }
}
