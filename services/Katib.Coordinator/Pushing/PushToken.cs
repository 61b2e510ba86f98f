using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Pushing;

/// <summary>What a caller may do who knows a token: it says so itself, and nobody can make one without the store's secret.</summary>
/// <remarks>Nothing is kept: a coordinator that is started anew knows the tokens that the last one has given.</remarks>
internal static class PushToken
{
    private const string Scheme = "Bearer ";

    /// <summary>A trial's current attempt may report and read what is its own; a later attempt has another token.</summary>
    public static string OfTrial(string secret, string @namespace, TrialState trial) => Sign(
        secret,
        "trial",
        @namespace,
        trial.Name,
        string.Create(CultureInfo.InvariantCulture, $"{trial.CreatedAt.UtcTicks:x}-{trial.Attempt}"));

    /// <summary>For reading what all trials of an experiment have reported.</summary>
    public static string OfReader(string secret, string @namespace, string experiment) =>
        Sign(secret, "reader", @namespace, experiment, "0");

    /// <summary>The namespace and the trial that a token speaks for; null when it is no trial's.</summary>
    public static (string Namespace, string Trial)? TrialOf(string token) =>
        token.Split('/') is ["trial", var @namespace, var trial, _, _] ? (@namespace, trial) : null;

    /// <summary>The namespace and the experiment that a token lets read; null when it is no reader's.</summary>
    public static (string Namespace, string Experiment)? ReaderOf(string token) =>
        token.Split('/') is ["reader", var @namespace, var experiment, _, _] ? (@namespace, experiment) : null;

    /// <summary>Whether two tokens are the same; takes the same time however much of them is.</summary>
    public static bool Equals(string given, string expected) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected));

    /// <summary>The token in an authorization header; null when there is none.</summary>
    public static string? OfHeader(string? header) =>
        string.IsNullOrEmpty(header) ? null
        : header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim()
        : header;

    private static string Sign(string secret, params string[] claims)
    {
        var text = string.Join('/', claims);
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text));
        return $"{text}/{Convert.ToHexStringLower(mac)}";
    }
}
