/// How a node speaks SockJS.
extension Setting {
    static let sockJS: [Setting] = [
        Setting(
            "sockjs-path", .text("a path without a slash at its end, or off"), default: SockJSOptions().path,
            "Where clients of SockJS find their services, /channels/{channel}, /centrifuge and /stomp below it."
        ) { configuration, value in
            if case .text(let text) = value { configuration.sockJS.path = text == "off" ? "" : text }
        },
        Setting(
            "sockjs-cookies", .flag, default: "false",
            "Tell clients of SockJS to send cookies, for balancers that keep a client with its node by one; the cluster needs none."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.sockJS.needsCookies = isOn }
        },
        Setting(
            "sockjs-client-url", .text("a path, or a URL of https:// or of this machine"), default: "",
            "Address of sockjs-client's script, which the page for browsers without CORS loads. Default: no such page."
        ) { configuration, value in
            if case .text(let text) = value { configuration.sockJS.clientURL = text }
        },
    ]
}

extension ConfigurationChecks {
    func checkSockJS(_ configuration: NodeConfiguration, problems: inout [String]) {
        let (path, url) = (configuration.sockJS.path, configuration.sockJS.clientURL)
        for (setting, path) in [("sockjs-path", path), ("socketio-path", configuration.socketIOPath)]
        where !path.isEmpty && (!Self.isPath(path) || path.utf8.last == UInt8(ascii: "/")) {
            problems.append("\(name(setting)): '\(path)' is not allowed; allowed: \(range(setting))")
        }
        if !path.isEmpty, path.utf8.elementsEqual(configuration.socketIOPath.utf8) {
            problems.append("\(name("socketio-path")): '\(path)' is where SockJS is (\(name("sockjs-path")))")
        }
        if !url.isEmpty, !Self.isPath(url), !Self.isURL(url) {
            problems.append(
                "\(name("sockjs-client-url")): '\(url)' is not allowed; allowed: \(range("sockjs-client-url"))")
        }
    }

    /// Whether nobody on the way can change what is there.
    private static func isURL(_ text: String) -> Bool {
        ["https://", "http://127.0.0.1:", "http://localhost:"].contains { prefix in
            text.utf8.starts(with: prefix.utf8) && text.utf8.count > prefix.utf8.count
                && isPath("/" + text.dropFirst(prefix.count))
        }
    }

    /// Whether it begins with one slash and has only characters that stand for themselves in a URL and in HTML.
    private static func isPath(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "/") && !text.utf8.starts(with: "//".utf8)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.~/@:".utf8.contains(byte)
            }
    }
}
