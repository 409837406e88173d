@testable import FanfareServer

extension FuzzTarget {
    /// Which pages may connect: a page that is not listed never may.
    static let origins = FuzzTarget(name: "origins", maxBytes: 256) { input in
        var input = input
        let (policyText, origin, hostText) = (input.text(), input.text(), input.text())
        let host = HostField(hostText)
        expect(!OriginPolicy.sameHost.allows([origin], host: nil), "'\(origin)' is allowed without any rule")
        expect(OriginPolicy.sameHost.allows([], host: host), "a program without an origin is kept out")
        if OriginPolicy.sameHost.allows([origin], host: host) {
            let isSame = origin.lowercased().holds(hostText.lowercased().split(separator: ":").first ?? "?")
            expect(isSame, "'\(origin)' is not from '\(hostText)'")
            expect(origin.utf8.allSatisfy { $0 < 128 }, "'\(origin)' has more than ASCII")
            let overTLS = OriginPolicy.sameHost.allows([origin], host: host, overTLS: true)
            expect(overTLS == origin.lowercased().hasPrefix("https://"), "'\(origin)' over TLS: \(overTLS)")
        }
        expect(!OriginPolicy.sameHost.allows([origin, origin], host: host), "two origins")
        guard let policy = try? OriginPolicy(policyText) else { return }
        if policy.allows([origin], host: nil), !policy.allowsAny {
            let entries = policyText.lowercased().split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
            let isListed = entries.contains { entry in
                let suffix = entry.split(separator: "*", maxSplits: 1).last.map { $0.prefix { $0 != ":" } } ?? ""
                let scheme = entry.prefix { $0 != ":" }
                return origin.lowercased().hasPrefix(scheme) && origin.lowercased().holds(suffix)
            }
            expect(isListed, "'\(origin)' is not in '\(policyText)'")
        }
        if !policyText.contains(where: { "*, \t".contains($0) }), policyText == policyText.lowercased(),
            policyText != "same-host"
        {
            expect(policy.allows([policyText], host: nil), "'\(policyText)' does not allow itself")
        }
    }
}
