using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Katib.Coordinator.Suggesting;

/// <summary>Whom calls to https services trust, and what they show, in PEM files.</summary>
/// <param name="Authority">The authority of the services; null for those that the machine trusts.</param>
/// <param name="Certificate">The caller's own certificate, for services that ask for one; null when it has none.</param>
/// <param name="Key">The private key of the certificate.</param>
internal sealed record SuggestionTls(string? Authority, string? Certificate, string? Key)
{
    private const string AuthorityVariable = "SUGGESTION_CA_FILE";
    private const string CertificateVariable = "SUGGESTION_CERT_FILE";
    private const string KeyVariable = "SUGGESTION_KEY_FILE";

    /// <summary>What the environment names.</summary>
    public static SuggestionTls FromEnvironment() => new(Read(AuthorityVariable), Read(CertificateVariable), Read(KeyVariable));

    /// <summary>How a connection is made. The files are read for each one, so that they may change.</summary>
    /// <exception cref="SuggestionRefusedException">A file is missing or wrong.</exception>
    public SslClientAuthenticationOptions ToOptions()
    {
        var options = new SslClientAuthenticationOptions();
        if (Authority is not null)
        {
            _ = ReadAuthority();
            options.RemoteCertificateValidationCallback = (_, service, _, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) is SslPolicyErrors.None && IsTrusted(service);
        }

        if ((Certificate, Key) is not (null, null))
        {
            _ = ReadOwn();
            options.LocalCertificateSelectionCallback = (_, _, _, _, _) => ReadOwn()[0];
        }

        return options;
    }

    private static string? Read(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } file ? file : null;

    private bool IsTrusted(X509Certificate? service)
    {
        if (service is not X509Certificate2 certificate)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(ReadAuthority());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }

    private X509Certificate2Collection ReadAuthority() => Read(
        $"{AuthorityVariable} '{Authority}' holds no certificate that can be read; it must be PEM.",
        () =>
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(Authority!);
            return authorities;
        });

#pragma warning disable CA2000 // It lives as long as the connections that were made with it.
    private X509Certificate2Collection ReadOwn() => Read(
        $"{CertificateVariable} '{Certificate}' and {KeyVariable} '{Key}' must both be given, as PEM, and belong together.",
        () => [X509Certificate2.CreateFromPemFile(Certificate ?? "", Key ?? "")]);
#pragma warning restore CA2000

    private static X509Certificate2Collection Read(string problem, Func<X509Certificate2Collection> read)
    {
        try
        {
            return read() is { Count: > 0 } certificates ? certificates : throw new SuggestionRefusedException(problem);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException or IOException
            or UnauthorizedAccessException)
        {
            throw new SuggestionRefusedException($"{problem} {unreadable.Message}");
        }
    }
}
