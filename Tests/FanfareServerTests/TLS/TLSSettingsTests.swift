import FanfareTestKit
import Foundation
import Testing

@testable import FanfareServer

@Suite("Settings of TLS")
struct TLSSettingsTests {
    private let authority: TestAuthority
    private let pair: TestAuthority.Pair

    init() throws {
        authority = try TestAuthority()
        pair = try authority.issue("node")
    }

    /// The one thing that is wrong with a certificate and a key.
    private func problem(_ certificate: String?, _ key: String?) async throws -> String {
        var flags: [String: String] = [:]
        flags["tls-certificate"] = certificate
        flags["tls-key"] = key
        let problems = await configurationProblems(flags: flags)
        #expect(problems.count == 1, "\(problems)")
        return problems.first ?? ""
    }

    private func file(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: authority.folder + "/" + name, atomically: true, encoding: .utf8)
        return authority.folder + "/" + name
    }

    @Test("a certificate and its key are taken, and nothing is said against them")
    func good() async throws {
        let result = try await readConfiguration(flags: ["tls-certificate": pair.certificate, "tls-key": pair.key])
        #expect(result.configuration.tls == TLSFiles(certificate: pair.certificate, key: pair.key))
        #expect(result.warnings.isEmpty && result.dangers.isEmpty, "\(result.warnings + result.dangers)")
        let none = try await readConfiguration()
        #expect(none.configuration.tls == nil)
    }

    @Test("of RSA and Ed25519 too, in PKCS#1 and PKCS#8")
    func kinds() async throws {
        for (name, algorithm) in [("rsa", "rsa:2048"), ("ed25519", "ed25519")] {
            try authority.openssl(
                "req -x509 -nodes -newkey \(algorithm) -days 1 -subj /CN=x -keyout \(name).key -out \(name).crt")
            let problems = await configurationProblems(flags: [
                "tls-certificate": authority.folder + "/\(name).crt", "tls-key": authority.folder + "/\(name).key",
            ])
            #expect(problems == [], "\(name)")
        }
        try authority.openssl("rsa -in rsa.key -traditional -out old.key")
        let problems = await configurationProblems(flags: [
            "tls-certificate": authority.folder + "/rsa.crt", "tls-key": authority.folder + "/old.key",
        ])
        #expect(problems == [])
    }

    @Test("one without the other: the error says which is missing")
    func halves() async throws {
        let noKey = try await problem(pair.certificate, nil)
        #expect(noKey.hasPrefix("flag --tls-certificate: tls-key is missing"), "\(noKey)")
        let noCertificate = try await problem(nil, pair.key)
        #expect(noCertificate.hasPrefix("flag --tls-key: tls-certificate is missing"), "\(noCertificate)")
    }

    @Test("each thing that is wrong with the files has a line with the setting, the file and the reason")
    func reasons() async throws {
        let other = try authority.issue("other")
        try authority.openssl("pkey -in node.key -aes256 -passout pass:hunter2 -out locked.key")
        try authority.openssl(
            "req -x509 -nodes -newkey rsa:2048 -days 1 -subj /CN=x -keyout rsa.key -out rsa.crt")
        let garbage = try file("garbage", "what\n")
        let broken = try file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        let locked = authority.folder + "/locked.key"
        let rsa = authority.folder + "/rsa.key"
        let nowhere = authority.folder + "/nowhere"
        for (certificate, key, setting, path, reason) in [
            (nowhere, pair.key, "tls-certificate", nowhere, "can't be read"),
            (pair.certificate, nowhere, "tls-key", nowhere, "can't be read"),
            (authority.folder, pair.key, "tls-certificate", authority.folder, "can't be read"),
            ("/dev/zero", pair.key, "tls-certificate", "/dev/zero", "is longer than"),
            (garbage, pair.key, "tls-certificate", garbage, "holds no certificate in PEM"),
            (broken, pair.key, "tls-certificate", broken, "holds no certificate in PEM"),
            (pair.key, pair.key, "tls-certificate", pair.key, "holds no certificate in PEM"),
            (pair.certificate, garbage, "tls-key", garbage, "holds no private key in PEM"),
            (pair.certificate, pair.certificate, "tls-key", pair.certificate, "holds no private key in PEM"),
            (pair.certificate, locked, "tls-key", locked, "with a passphrase"),
            (pair.certificate, other.key, "tls-key", other.key, "is not the key of the certificate in"),
            (pair.certificate, rsa, "tls-key", rsa, "is not the key of the certificate in"),
        ] {
            let problem = try await problem(certificate, key)
            #expect(problem.hasPrefix("flag --\(setting): '\(path)' "), "\(problem)")
            #expect(problem.contains(reason), "\(problem)")
        }
    }

    @Test("what is odd is a warning: an expired certificate, a key that all can read, settings without effect")
    func dangers() async throws {
        let expired = try authority.issue("expired", days: -1)
        let old = try await readConfiguration(flags: ["tls-certificate": expired.certificate, "tls-key": expired.key])
        let year = Date().formatted(.iso8601).prefix(2)
        #expect(old.dangers.count == 1, "\(old.dangers)")
        #expect(
            old.dangers.first?.contains("'\(expired.certificate)' has expired on \(year)") == true, "\(old.dangers)")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: pair.key)
        let open = try await readConfiguration(flags: ["tls-certificate": pair.certificate, "tls-key": pair.key])
        #expect(open.dangers.count == 1 && open.dangers.first?.contains("all users") == true, "\(open.dangers)")
        let interval = try await readConfiguration(flags: ["tls-reload-interval": "5s"])
        #expect(interval.warnings == ["flag --tls-reload-interval has no effect: there is no tls-certificate"])
        let direct = try await readConfiguration(flags: [
            "tls-certificate": pair.certificate, "tls-key": pair.key, "direct-write": "on",
        ])
        #expect(direct.warnings.count == 1 && direct.warnings.first?.hasPrefix("flag --direct-write") == true)
    }

    @Test("a fingerprint follows the content, not the date, and also what can't be read")
    func fingerprint() throws {
        let one = try file("one", "a"), two = try file("two", "b")
        let files = TLSFiles(certificate: one, key: two)
        let before = files.fingerprint()
        let date = try FileManager.default.attributesOfItem(atPath: one)[.modificationDate] ?? Date()
        _ = try file("one", "c")
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: one)
        let changed = files.fingerprint()
        #expect(changed != before)
        try FileManager.default.removeItem(atPath: one)
        #expect(files.fingerprint() != changed)
        _ = try file("one", "a")
        #expect(files.fingerprint() == before)
        #expect(TLSFiles(certificate: two, key: one).fingerprint() != before)
    }
}
