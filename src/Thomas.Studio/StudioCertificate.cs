using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Thomas.App.Pull;

namespace Thomas.Studio;

/// <summary>
/// The certificate with which other devices reach the studio: the program has signed it itself, so a browser asks once whether to trust it, and shows the
/// fingerprint that the program prints. It is kept, and made again when it ends soon or the address is another one.
/// </summary>
internal sealed class StudioCertificate
{
    private const string FileName = "studio.pem", ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const int MostBytes = 1 << 20;

    // Longer ones some systems refuse.
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(397), Renewal = TimeSpan.FromDays(30);

    private readonly X509Certificate2 _certificate;

    private StudioCertificate(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>SHA-256 of the certificate, as browsers show it.</summary>
    public string Fingerprint => BitConverter.ToString(_certificate.GetCertHash(HashAlgorithmName.SHA256)).Replace('-', ':');

    /// <summary>Reads the certificate of a folder, or makes one.</summary>
    /// <exception cref="ThomasException">The system has no TLS, or the folder cannot be written to.</exception>
    public static StudioCertificate Load(string folder, IPAddress address)
    {
        if (!SecureConnections.IsThere())
        {
            throw new ThomasException("--listen needs OpenSSL (libssl), which this system does not have; install it (package libssl3 or openssl).");
        }

        string path = Path.Combine(folder, FileName);
        if (TryRead(path, address) is X509Certificate2 kept) return new StudioCertificate(kept);
        string pem = Make(address);
        try
        {
            Directory.CreateDirectory(folder);
            PrivateFile.Write(path, pem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The certificate cannot be kept in '{path}': {e.Message}", e);
        }

        return new StudioCertificate(Usable(pem));
    }

    /// <summary>An address of this device that others may reach; null if there is none.</summary>
    public static IPAddress? OwnAddress()
    {
        try
        {
            // Nothing is sent: the system only says which of its addresses it would send from.
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 9));
            return (socket.LocalEndPoint as IPEndPoint)?.Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Makes an address of the server use it.</summary>
    public void AddTo(ListenOptions listen) => listen.UseHttps(_certificate);

    private static X509Certificate2? TryRead(string path, IPAddress address)
    {
        try
        {
            if (!File.Exists(path)) return null;
            X509Certificate2 certificate = Usable(InputFile.ReadText(path, MostBytes));
            if (certificate.NotAfter.ToUniversalTime() - DateTime.UtcNow > Renewal && certificate.MatchesHostname(NameOf(address))) return certificate;
            certificate.Dispose();
        }
        catch (Exception e) when (e is CryptographicException || InputFile.IsReadError(e))
        {
            // A new one is made; browsers ask again.
        }

        return null;
    }

    private static string NameOf(IPAddress address) =>
        (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? OwnAddress() ?? IPAddress.Loopback : address).ToString();

    private static string Make(IPAddress address)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=thomas studio", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        if (NameOf(address) is string name && name != IPAddress.Loopback.ToString()) names.AddIpAddress(IPAddress.Parse(name));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now + Lifetime);
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    /// <summary>With its key, in the form that the system's TLS takes: Windows takes none whose key is only in memory.</summary>
    private static X509Certificate2 Usable(string pem)
    {
        X509Certificate2 certificate = X509Certificate2.CreateFromPem(pem, pem);
        if (!OperatingSystem.IsWindows()) return certificate;
        using (certificate) return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
