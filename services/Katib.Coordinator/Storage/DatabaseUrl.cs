using System.Data.Common;

namespace Katib.Coordinator.Storage;

/// <summary>A database on a server, as users write it: <c>SCHEME://USER:PASSWORD@HOST:PORT/DATABASE?KEYWORD=VALUE</c>.</summary>
internal sealed class DatabaseUrl
{
    private readonly Uri _url;

    /// <summary>Reads a URL.</summary>
    /// <param name="text">The URL.</param>
    /// <param name="example">What a good one looks like, for the message.</param>
    /// <exception cref="FormatException">It is none; the message ends with what is wrong and does not show it.</exception>
    public DatabaseUrl(string text, string example)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length is 0 || url.AbsolutePath.Length < 2)
        {
            throw new FormatException($"must be a URL such as {example}");
        }

        _url = url;
        Name = new UriBuilder(url) { UserName = url.UserInfo.Split(':')[0], Password = "", Query = "" }.Uri.ToString();
    }

    /// <summary>The URL without what may be secret, for messages.</summary>
    public string Name { get; }

    /// <summary>Sets in a connection string what the URL says, by names that all drivers know, and then the driver's keywords.</summary>
    /// <exception cref="FormatException">The driver does not take a keyword; the message does not show the URL.</exception>
    public void CopyTo(DbConnectionStringBuilder settings)
    {
        settings["Host"] = _url.IdnHost;
        settings["Database"] = Uri.UnescapeDataString(_url.AbsolutePath[1..]);
        if (_url.Port > 0)
        {
            settings["Port"] = _url.Port;
        }

        string[] login = [.. _url.UserInfo.Split(':', 2).Select(Uri.UnescapeDataString)];
        if (login[0].Length > 0)
        {
            settings["Username"] = login[0];
        }

        if (login.Length > 1)
        {
            settings["Password"] = login[1];
        }

        foreach (var pair in _url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            Set(settings, pair);
        }
    }

    private static void Set(DbConnectionStringBuilder settings, string pair)
    {
        var at = pair.IndexOf('=', StringComparison.Ordinal);
        var key = Uri.UnescapeDataString(at < 0 ? pair : pair[..at]);
        try
        {
            settings[key] = Uri.UnescapeDataString(at < 0 ? "" : pair[(at + 1)..]);
        }
        catch (Exception wrong) when (wrong is ArgumentException or KeyNotFoundException or FormatException)
        {
            var driver = settings.GetType().Namespace;
            throw new FormatException($"has '{key}' behind the question mark, which {driver} does not take: {wrong.Message}", wrong);
        }
    }
}
