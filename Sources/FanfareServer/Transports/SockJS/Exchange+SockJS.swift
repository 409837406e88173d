import FanfareCore
import HTTPTypes

/// Fields of answers that SockJS asks for.
extension Exchange {
    /// - Parameters:
    ///   - type: `nil`: the answer has no body.
    ///   - setsCookie: whether it is the answer of a transport, which sets the cookie where clients are to send one.
    func sockJSFields(_ options: SockJSOptions, _ type: String?, setsCookie: Bool = true) -> HTTPFields {
        // Browsers keep answers to POST, too (iOS 6), and proxies may change what they pass on.
        var fields: HTTPFields = [
            .cacheControl: "no-store, no-cache, no-transform, must-revalidate, max-age=0"
        ]
        fields[.contentType] = type
        if !isFromPage {
            // Without an origin it is no page, or one of this host, and tells nobody anything by a star.
            fields[.accessControlAllowOrigin] = "*"
        } else if options.allowsCookiesOfAll {
            fields[.accessControlAllowCredentials] = "true"
        }
        if setsCookie, options.needsCookies { fields[.setCookie] = "JSESSIONID=\(stickyCookie ?? "dummy"); path=/" }
        return fields
    }

    /// The cookie by which a balancer keeps clients with their nodes, where the client has one.
    private var stickyCookie: String? {
        for field in request.headerFields[values: .cookie] {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard pair.utf8.starts(with: "JSESSIONID=".utf8) else { continue }
                let value = pair.utf8.dropFirst(11)
                let isPlain = value.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.!".utf8.contains(byte)
                }
                return isPlain && (1...128).contains(value.count) ? String(Substring(value)) : nil
            }
        }
        return nil
    }
}

extension HTTPFields {
    /// Lets anyone keep the answer for a year.
    mutating func addYear(_ clock: NodeClock) {
        self[.cacheControl] = "public, max-age=31536000"
        self[.expires] = HTTPDate.text(secondsSince1970: Int(clock.wallMicroseconds() / 1_000_000) + 31_536_000)
    }
}

/// A time as fields of HTTP have it (RFC 9110 §5.6.7).
enum HTTPDate {
    static func text(secondsSince1970 seconds: Int) -> String {
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Years begin in March here, so that the day of a leap year is the last one.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
        let names = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let time = [rest / 3_600, rest / 60 % 60, rest % 60].map(twoDigits).joined(separator: ":")
        return "\(weekdays[days % 7]), \(twoDigits(day)) \(names[month]) \(year) \(time) GMT"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
