package flows

import "faro/locales"

// Delegations are the federal entities of Mexico (article 43 of its constitution), as they are spelled here. The
// migration institute has an office in each, which its staff call their delegation.
var Delegations = []string{"Aguascalientes", "Baja California", "Baja California Sur", "Campeche", "Chiapas", "Chihuahua", "Ciudad de México",
	"Coahuila", "Colima", "Durango", "Estado de México", "Guanajuato", "Guerrero", "Hidalgo", "Jalisco", "Michoacán", "Morelos", "Nayarit",
	"Nuevo León", "Oaxaca", "Puebla", "Querétaro", "Quintana Roo", "San Luis Potosí", "Sinaloa", "Sonora", "Tabasco", "Tamaulipas", "Tlaxcala",
	"Veracruz", "Yucatán", "Zacatecas"}

// delegations are those of Delegations by their folded names, and by what else they are called.
var delegations = func() map[string]string {
	const capital = "Ciudad de México"
	all := map[string]string{"distrito federal": capital, "federal district": capital, "mexico city": capital, "cdmx": capital}
	for _, name := range Delegations {
		all[locales.Fold(name)] = name
	}
	return all
}()

// Delegation is the name of a delegation, whatever its case and accents; "" if it is none.
func Delegation(name string) string { return delegations[locales.Fold(name)] }
